"""Decide a recorded past again: the same core, the same facts, and so the same bytes.

Or by other rules: then each cycle still sees the past as it was recorded, and what it decides tells
which decisions hang on these rules.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts import cycle, leader, usage
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.state.usage_documents import UsageDocuments
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.replay.rules import AS_RECORDED, Rules
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import OURS, Plugins

_KEPT: Final = 16
"""Snapshots that are remembered: a leader may decide by one that is not the newest any more."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision as it was recorded at `sequence`, and as the core decides it now."""

    sequence: int
    recorded: cycle.Decided
    again: cycle.Decided


def replay(
    entries: Iterable[Entry],
    base: ShardState | None = None,
    *,
    plugins: Plugins = OURS,
    snapshots: Mapping[int, usage.SnapshotTaken] | None = None,
    rules: Rules = AS_RECORDED,
) -> Iterator[Replayed]:
    """Decide every recorded cycle again, each with exactly what it saw.

    A decision is recorded after facts that it did not see, so those are held back until it has been
    made.

    Args:
        entries: go on right after `base`; without one they begin the log.
        base: the state before them, which is taken over.
        plugins: those that the recorded decisions were made with.
        snapshots: facts of usage snapshots by sequence that `entries` do not tell again, nor the
            base remembers, but whose snapshots are still decided by.
        rules: what else to decide by; the state goes on as it was recorded.

    Raises:
        UnreadableMessage: a decision used a usage snapshot that cannot be read, or is not here.
    """
    shard = base or ShardState()
    rules.begin(shard)
    engine = EngineState(shard, plugins)
    known = _Snapshots(UsageDocuments(most=_KEPT))
    known.documents.note_all({**(snapshots or {}), **shard.usage_facts})
    unseen: list[Entry] = []
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, usage.SnapshotTaken):
            known.documents.note(entry.sequence, fact)
        elif isinstance(fact, cycle.Decided):
            seen = [e for e in unseen if e.sequence <= fact.saw_sequence]
            unseen = unseen[len(seen) :]
            _fold(engine, seen, rules)
            known.use(engine, fact.usage_sequence, entry.sequence)
            yield Replayed(entry.sequence, fact, run_cycle(engine, shard.settings, fact.now))
        unseen.append(entry)
    _fold(engine, unseen, rules)


@dataclass(slots=True)
class _Snapshots:
    """Usage snapshots that decisions may have been made by."""

    documents: UsageDocuments

    def use(self, engine: EngineState, sequence: int, decision: int) -> None:
        """Decide by the snapshot that was recorded with a decision; 0: by none."""
        if sequence == engine.usage_sequence:
            return
        if sequence == 0:
            engine.use(None, 0)
            return
        if sequence not in self.documents.facts:
            raise UnreadableMessage(
                "cycle.decided",
                f"decision {decision} was made by the usage snapshot at {sequence}, "
                "which is not among what is replayed",
            )
        engine.use(parse_snapshot(self.documents.document(sequence)), sequence)


def _fold(engine: EngineState, entries: Iterable[Entry], rules: Rules) -> None:
    for entry in entries:
        outcome = apply(engine.shard, rules.told(entry))
        if isinstance(outcome, Folded):
            rules.follow(outcome)
            engine.note(outcome)
        if isinstance(entry.fact, leader.Decided):
            engine.rebuild()  # a new leader makes a full pass
