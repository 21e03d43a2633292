"""Decide a recorded past again: the same core, the same facts, and so the same bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle, leader
from evenflow.common.domain.fold import apply
from evenflow.common.domain.folded import Folded
from evenflow.common.domain.state import ShardState
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
    """
    shard = base or ShardState()
    engine = EngineState(shard, plugins)
    unseen: list[Entry] = []
    for entry in entries:
        if isinstance(entry.fact, cycle.Decided):
            seen = [e for e in unseen if e.sequence <= entry.fact.saw_sequence]
            unseen = unseen[len(seen) :]
            _fold(engine, seen)
            again = run_cycle(engine, shard.settings, entry.fact.now)
            yield Replayed(entry.sequence, entry.fact, again)
        unseen.append(entry)
    _fold(engine, unseen)


def _fold(engine: EngineState, entries: Iterable[Entry]) -> None:
    for entry in entries:
        outcome = apply(engine.shard, entry)
        if isinstance(outcome, Folded):
            engine.note(outcome)
        if isinstance(entry.fact, leader.Decided):
            engine.rebuild()  # a new leader makes a full pass
