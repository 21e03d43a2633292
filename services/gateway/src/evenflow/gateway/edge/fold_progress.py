"""What was folded last, for the status and for streams that look again on change."""

from dataclasses import dataclass

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle


@dataclass(slots=True)
class FoldProgress:
    """Grows with every folded entry."""

    version: int = 0
    last_cycle_at: Instant | None = None

    def note(self, entry: Entry) -> None:
        """Take notice of a folded entry."""
        self.version += 1
        if isinstance(entry.fact, cycle.Decided):
            self.last_cycle_at = entry.fact.now
