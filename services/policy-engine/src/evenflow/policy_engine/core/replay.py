"""Decide a recorded past again: the same core, the same facts, and so the same bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle, leader, usage
from evenflow.common.domain.fold import apply
from evenflow.common.domain.folded import Folded
from evenflow.common.domain.state import ShardState
from evenflow.common.domain.usage import parse_snapshot
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.plugins import OURS, Plugins
from evenflow.policy_engine.core.state import EngineState


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision as it was recorded at `sequence`, and as the core decides it now."""

    sequence: int
    recorded: cycle.Decided
    again: cycle.Decided


def replay(
    entries: Iterable[Entry], base: ShardState | None = None, *, plugins: Plugins = OURS
) -> Iterator[Replayed]:
    """Decide every recorded cycle again, each with exactly what it saw.

    `entries` go on right after `base`, which is taken over; without one they begin the log. A
    decision is recorded after facts that it did not see, so those are held back until it has been
    made. `plugins` are those that the recorded decisions were made with.

    Raises:
        UnreadableMessage: a decision used a usage snapshot that cannot be read.
    """
    shard = base or ShardState()
    engine = EngineState(shard, plugins)
    unseen: list[Entry] = []
    snapshots: dict[int, str] = {}  # documents by the sequence of their fact
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, usage.SnapshotTaken):
            snapshots[entry.sequence] = fact.document
        elif isinstance(fact, cycle.Decided):
            seen = [e for e in unseen if e.sequence <= fact.saw_sequence]
            unseen = unseen[len(seen) :]
            _fold(engine, seen)
            _use(engine, snapshots, fact.usage_sequence)
            again = run_cycle(engine, shard.settings, fact.now)
            yield Replayed(entry.sequence, fact, again)
        unseen.append(entry)
    _fold(engine, unseen)


def _use(engine: EngineState, snapshots: dict[int, str], sequence: int) -> None:
    """Decide with the snapshot that was recorded; older ones are not used again."""
    if sequence == engine.usage_sequence:
        return
    document = snapshots.get(sequence)
    engine.use(None if document is None else parse_snapshot(document), sequence)
    for older in [known for known in snapshots if known < sequence]:
        del snapshots[older]


def _fold(engine: EngineState, entries: Iterable[Entry]) -> None:
    for entry in entries:
        outcome = apply(engine.shard, entry)
        if isinstance(outcome, Folded):
            engine.note(outcome)
        if isinstance(entry.fact, leader.Decided):
            engine.rebuild()  # a new leader makes a full pass
