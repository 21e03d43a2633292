"""A stretch of a log, with what is needed to decide it again: a base, facts, usage snapshots."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from evenflow.common.contracts import checkpoint, codec
from evenflow.common.contracts.subjects import kind_at, kind_of, subject_of
from evenflow.common.domain.entry import Entry, UnknownFact
from evenflow.common.domain.errors import InvalidValue, UnreadableMessage
from evenflow.common.domain.facts import cycle, usage
from evenflow.common.domain.facts.log import Skipped
from evenflow.common.domain.skips import Skips
from evenflow.common.domain.state.shard_state import ShardState

LogLine = tuple[int, str, bytes]
"""Sequence, subject and data of one message; no data: all services pass over it."""


@dataclass
class RecordedLog:
    """Facts behind `base_sequence`, up to `end`. Cycles from `begin` on are what is asked about.

    `base` is a checkpoint of the log `log_id`, None when the facts begin the log. `older` are facts
    from before the base: usage snapshots that are still decided by.
    """

    source: str  # for people: a file, or where the log is
    lines: list[LogLine]
    begin: int
    end: int
    base: bytes | None = None
    base_sequence: int = 0
    log_id: str = ""
    older: list[LogLine] = field(default_factory=list)

    @cached_property
    def entries(self) -> list[Entry]:
        """The facts, read.

        Raises:
            UnreadableMessage: one breaks its contract; the message names its sequence.
        """
        return list(read_facts(self.lines, self._skips()))

    def _skips(self) -> Skips:
        """Look ahead for what services pass over, as they do."""
        found = Skips()
        for sequence, subject, data in self.lines:
            if data and kind_at(subject) == kind_of(Skipped):
                with suppress(UnreadableMessage):  # another one may say that it is passed over
                    found.add(sequence, codec.decode(subject, data, sequence).fact)
        return found

    def snapshots(self) -> dict[int, usage.SnapshotTaken]:
        """Return the usage snapshots from before the base that were recorded, by sequence."""
        return {
            entry.sequence: entry.fact
            for entry in read_facts(self.older)
            if isinstance(entry.fact, usage.SnapshotTaken)
        }

    def state(self) -> ShardState:
        """Return the state before the first fact, anew each time."""
        return ShardState() if self.base is None else checkpoint.load(self.base, self.log_id)

    @cached_property
    def _remembered(self) -> set[int]:
        """Usage snapshots that the base remembers."""
        return set(self.state().usage_facts)

    def is_whole_for(self, begin: int) -> bool:
        """Whether the first cycle from `begin` on saw all that the base knows, and maybe more."""
        for entry in self.entries:
            if entry.sequence >= begin and isinstance(entry.fact, cycle.Decided):
                return entry.fact.saw_sequence >= self.base_sequence
        return True

    def missing_snapshots(self) -> list[int]:
        """Return the sequences of usage snapshots that cycles were decided by and are not here."""
        told = {e.sequence for e in self.entries if isinstance(e.fact, usage.SnapshotTaken)}
        used = {e.fact.usage_sequence for e in self.entries if isinstance(e.fact, cycle.Decided)}
        here = told | {sequence for sequence, _, _ in self.older} | self._remembered
        return sorted(used - here - {0})


def read_facts(lines: Iterable[LogLine], skips: Skips | None = None) -> Iterator[Entry]:
    """Yield messages as facts; what services pass over changes nothing, and is seen all the same.

    Raises:
        UnreadableMessage: one breaks its contract; the message names its sequence.
    """
    for sequence, subject, data in lines:
        if not data or (skips and skips.covers(sequence, sequence)):
            yield Entry(sequence, "", 0, "", UnknownFact(kind_at(subject), ""))
            continue
        try:
            yield codec.decode(subject, data, sequence)
        except UnreadableMessage as error:
            raise UnreadableMessage(subject, f"sequence {sequence}: {error.reason}") from error


def check_span(begin: int | None, end: int | None, first: int, last: int) -> tuple[int, int]:
    """Return the span to look at; `first` and `last` are what there is.

    Raises:
        InvalidValue: it is turned around, or outside.
    """
    if begin is not None and end is not None and begin > end:
        raise InvalidValue("--from", begin, f"must not be above --to {end}")
    if last < first:
        raise InvalidValue("--from", begin, "there is no fact yet: the log is empty")
    for name, value in (("--from", begin), ("--to", end)):
        if value is not None and not first <= value <= last:
            raise InvalidValue(name, value, f"must be between {first} and {last}, as the log is")
    return first if begin is None else begin, last if end is None else end


def message_of(entry: Entry, shard: str) -> LogLine:
    """Return a fact as the message that tells it."""
    envelope = codec.Envelope(
        event_id=entry.event_id,
        occurred_at=entry.occurred_at,
        shard=shard,
        actor=entry.actor,
        correlation_id=entry.correlation_id,
        caused_by=entry.caused_by,
    )
    data = codec.encode(envelope, entry.fact)
    return entry.sequence, subject_of(entry.fact, shard), data
