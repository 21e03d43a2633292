"""What folded entries add to the tables of usage and alerts, collected until the next write."""

from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import HOUR, SECOND, Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts import quotas, usage
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.state.usage_documents import SnapshotFacts, UsageDocuments
from evenflow.common.domain.usage.snapshot import UsageColumns, parse_snapshot
from evenflow.gateway.view.alerts import rows_of
from evenflow.gateway.view.rows import Row
from evenflow.gateway.view.rules.held_time import Amounts, add_by_hours, held_by, in_seconds

_LEAST_WALL_US: Final = 60 * SECOND
"""Numbers of ten thousand queues take half a second to write."""


@dataclass(slots=True)
class UsageChanges:
    """Collects; the `take_…` methods hand out rows and forget them."""

    archived_at: Instant | None = None  # the newest snapshot whose numbers are kept
    _documents: UsageDocuments = field(default_factory=lambda: UsageDocuments(most=1))
    _amounts: Amounts = field(default_factory=dict)
    _snapshots: list[Row] = field(default_factory=list)
    _numbers: list[Row] = field(default_factory=list)
    _alerts: list[Row] = field(default_factory=list)

    def note(self, entry: Entry, outcome: Folded) -> None:
        """Collect what an entry tells that is not in the view yet."""
        for end in outcome.attempts_ended:
            for held in held_by(end):
                add_by_hours(self._amounts, end.spec, held)
        match entry.fact:
            case usage.SnapshotTaken():
                self._note_snapshot(entry, entry.fact, outcome.state.clock.rate)
            case quotas.Alerted():
                self._alerts += rows_of(entry, entry.fact, outcome)

    def remember(self, entry: Entry) -> None:
        """Take notice of an entry that the view has: a later snapshot may change what it tells."""
        if isinstance(entry.fact, usage.SnapshotTaken):
            self._documents.note(entry.sequence, entry.fact)

    def begin(self, facts: SnapshotFacts) -> None:
        """Take notice of the snapshots that a base remembers: those behind it change them."""
        self._documents.note_all(facts)

    def _note_snapshot(self, entry: Entry, fact: usage.SnapshotTaken, rate: int) -> None:
        self._documents.note(entry.sequence, fact)
        numbers = None
        if self._is_due(fact.generated_at, rate):
            numbers = self._numbers_of(entry.sequence, fact)
            self.archived_at = fact.generated_at
        self._numbers += numbers or ()
        self._snapshots.append(
            {
                "fact_sequence": entry.sequence,
                "sequence": fact.sequence,
                "generated_at": fact.generated_at,
                "data_until": fact.data_until,
                "digest": fact.digest,
                "is_archived": numbers is not None,
            }
        )

    def _numbers_of(self, sequence: int, fact: usage.SnapshotTaken) -> list[Row] | None:
        try:
            return _numbers(self._documents.document(sequence), fact.generated_at)
        except UnreadableMessage:
            return None  # the engine says so aloud; here the snapshot stands without its numbers

    def _is_due(self, at: Instant, rate: int) -> bool:
        """Whether the numbers are kept: once an hour, on a fast clock once a minute of the wall."""
        last = self.archived_at
        if last is None:
            return True
        return at // HOUR > last // HOUR and at - last >= _LEAST_WALL_US * rate

    def take_spans(self) -> list[Row]:
        """Return what attempts have held, to be added to what the view has."""
        taken, self._amounts = self._amounts, {}
        return [
            {**key._asdict(), "seconds": in_seconds(key.resource, amount)}
            for key, amount in taken.items()
        ]

    def take_snapshots(self) -> tuple[list[Row], list[Row]]:
        """Return the snapshots, and the numbers of some of them."""
        taken = self._snapshots, self._numbers
        self._snapshots, self._numbers = [], []
        return taken

    def take_alerts(self) -> list[Row]:
        """Return the alerts."""
        taken, self._alerts = self._alerts, []
        return taken


def _numbers(document: str, at: Instant) -> list[Row]:
    """Return the decayed usage in a snapshot, but zeros; raises UnreadableMessage."""
    found = parse_snapshot(document)
    return [
        {
            "generated_at": at,
            "kind": kind,
            "name": name,
            "resource": resource,
            "raw_hours": hours,
            "normalized": columns.ratio_of(name, resource),
        }
        for kind, columns in (
            ("queue", found.queues),
            ("project", found.projects),
            ("user", found.users),
        )
        for resource in columns.raw_hours
        for name, hours in _of(columns, resource)
    ]


def _of(columns: UsageColumns, resource: str) -> list[tuple[str, float]]:
    column = columns.raw_hours[resource]
    return [(name, column[row]) for name, row in columns.rows.items() if column[row]]
