"""One pass of the engine, least disruptive first: evict what lost its node, place, backfill, grow.

Pure: what it is given alone decides what it returns. What it decides is assumed in the state's
indexes until the log confirms it; what found no room or no open gate is remembered there, so that
it costs nothing until something changes that may help it.
"""

from collections.abc import Callable
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cycle
from evenflow.policy_engine.core.backfill.step import fill_gaps
from evenflow.policy_engine.core.gates.gates import Gates
from evenflow.policy_engine.core.preemption.actions import consolidate, preempt, reclaim
from evenflow.policy_engine.core.preemption.start_claimed import start_claimed
from evenflow.policy_engine.core.session.promises import Promises
from evenflow.policy_engine.core.session.session import Session
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.steps.evict import evict
from evenflow.policy_engine.core.steps.grow import grow
from evenflow.policy_engine.core.steps.place import place
from evenflow.policy_engine.core.steps.reasons import tell_reasons
from evenflow.policy_engine.core.steps.reopen import reopen
from evenflow.policy_engine.core.steps.start_heads import start_heads

CORE_VERSION: Final = "4"
"""Grows when the same input may be decided otherwise."""


def run_cycle(state: EngineState, settings: SchedulerSettings, now: Instant) -> cycle.Decided:
    """Decide what starts, stops and waits, at `now` (shard clock).

    Returns:
        The decision, empty when nothing is to be said; it saw all up to the state's sequence.
    """
    state.forget_assumed()
    state.wake(now)
    shard = state.shard
    quotas = state.plugins.quotas.provider(shard, state.commitments, now)
    gates = Gates(shard, state.commitments, quotas)
    session = Session(state, settings, now, quotas, gates, Promises(state, now))
    for action in ACTIONS:
        action(session)
    return cycle.Decided(
        epoch=shard.epoch,
        saw_sequence=shard.sequence,
        now=now,
        core_version=CORE_VERSION,
        settings_sequence=shard.settings_sequence,
        usage_sequence=state.usage_sequence,
        placements=tuple(session.placements),
        evictions=tuple(session.evictions),
        reasons=tuple(session.reasons),
        growths=tuple(session.growths),
        claims=tuple(session.claims),
    )


def is_empty(decision: cycle.Decided) -> bool:
    """Whether the decision says nothing."""
    said = (decision.placements, decision.evictions, decision.reasons, decision.growths)
    return not any(said) and not decision.claims


ACTIONS: Final[tuple[Callable[[Session], None], ...]] = (
    evict,
    reopen,
    start_claimed,
    place,
    start_heads,
    fill_gaps,
    reclaim,
    preempt,
    consolidate,
    grow,
    tell_reasons,
)
"""Least disruptive first. What lost its machine comes before all: its places are free again."""
