"""Usage over virtual time, by the functions of exporter and aggregator: samples, decay, snapshots.

A sample is taken at every poll. The snapshot's content is made from it once a cycle is going to
read it: the fold looks only at how far it reaches, and with nobody waiting nobody reads it.
"""

from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import DAY, HOUR, Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import usage
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import UsageSnapshot, snapshot_of
from evenflow.exporter.core.sampling import Allocations, capacity_of, in_base_units
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.snapshot import fields_of

_TIDY_POLLS: Final = 24  # what has faded away changes nothing, and is looked for seldom


@dataclass(frozen=True, slots=True)
class UsagePolling:
    """How often usage is polled, and how it fades."""

    poll_us: int = HOUR
    half_life_us: int = 2 * DAY


class Meter:
    """Follows the fold and tells who held how much."""

    def __init__(self, state: ShardState, polling: UsagePolling) -> None:
        """Nothing is held."""
        self._state: Final = state
        self._polling: Final = polling
        self._allocations: Final = Allocations()
        self._ledger: Final = Ledger(polling.half_life_us)
        self._sampled_until = 0
        self._number = 0
        self.due = polling.poll_us
        self._tidy_at = 0
        self.is_news = False  # whether a poll was made whose snapshot nobody has read

    def begin(self, at: Instant) -> None:
        """Nothing was held before `at`; the first poll is one interval later."""
        self._sampled_until, self.due = at, at + self._polling.poll_us

    def follow(self, entry: Entry, outcome: Folded | Void) -> None:
        """Move by one entry, right after the state did."""
        self._allocations.fold(entry, outcome)

    def poll(self) -> usage.SnapshotTaken:
        """Sample up to the instant that is due; return the fact that tells of the snapshot."""
        at, since = self.due, self._sampled_until
        self._number += 1
        sample = usage.UsageSample(
            str(self._number),
            since,
            at,
            tuple(self._allocations.take(at)),
            in_base_units(capacity_of(self._state.nodes.values())),
        )
        self._ledger.fold(sample, latest=at)
        self._sampled_until = at
        self.due = at + self._polling.poll_us
        self.is_news = True
        return usage.SnapshotTaken(self._number, at, at, digest="", document="")

    def snapshot(self) -> UsageSnapshot:
        """Return usage as of the last poll: what its document says, without making it text."""
        self.is_news = False
        if self._number >= self._tidy_at:
            self._ledger.forget_unused(self._sampled_until)
            self._tidy_at = self._number + _TIDY_POLLS
        return snapshot_of(fields_of(self._ledger, self._sampled_until, self._number), digest="")
