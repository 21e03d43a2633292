"""One pass of the engine, least disruptive first: evict what lost its node, place, backfill, grow.

Pure: what it is given alone decides what it returns. What it means to do stays in the state's
indexes until the log confirms it; what found no room or no open gate is remembered there, so that
it costs nothing until something changes that may help it.
"""

from collections.abc import Callable
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    PendingReason,
    ReasonCode,
)
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.jobs.job import Job
from evenflow.policy_engine.core.backfill.action import fill_gaps, is_held_back
from evenflow.policy_engine.core.gates.gates import PARKED, Gates
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.placement.nodes.unmet import Unmet, unmet
from evenflow.policy_engine.core.preemption.actions import consolidate, preempt, reclaim
from evenflow.policy_engine.core.preemption.start_claimed import start_claimed
from evenflow.policy_engine.core.reservations import Conflict
from evenflow.policy_engine.core.session.clearance import clear_of, cut, is_kept_for, start_heads
from evenflow.policy_engine.core.session.promises import Promises
from evenflow.policy_engine.core.session.session import Pass, start
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.steps.grow import grow
from evenflow.policy_engine.core.steps.reasons import explain
from evenflow.policy_engine.core.steps.reopen import close_tightened, reopen
from evenflow.policy_engine.core.waiting.job_class import JobClass

CORE_VERSION: Final = "4"
"""Grows when the same input may be decided otherwise."""


def run_cycle(state: EngineState, settings: SchedulerSettings, now: Instant) -> cycle.Decided:
    """Decide what starts, stops and waits, at `now` (shard clock).

    Returns:
        The decision, empty when nothing is to be said; it saw all up to the state's sequence.
    """
    state.take_back()
    state.wake(now)
    shard = state.shard
    quotas = state.plugins.quotas.provider(shard, state.commitments, now)
    gates = Gates(shard, state.commitments, quotas)
    work = Pass(state, settings, now, quotas, gates, Promises(state, now))
    for action in ACTIONS:
        action(work)
    return cycle.Decided(
        epoch=shard.epoch,
        saw_sequence=shard.sequence,
        now=now,
        core_version=CORE_VERSION,
        settings_sequence=shard.settings_sequence,
        usage_sequence=state.usage_sequence,
        placements=tuple(work.placements),
        evictions=tuple(work.evictions),
        reasons=tuple(work.reasons),
        growths=tuple(work.growths),
        claims=tuple(work.claims),
    )


def is_empty(decision: cycle.Decided) -> bool:
    """Whether the decision says nothing."""
    said = (decision.placements, decision.evictions, decision.reasons, decision.growths)
    return not any(said) and not decision.claims


def evict(work: Pass) -> None:
    """Stop attempts with a task on a node that is gone or not ready. Cordoned nodes keep theirs."""
    shard = work.state.shard
    evicted: dict[str, None] = {}
    for name in sorted(work.state.lost):
        for job_id in work.state.live_jobs_on(name):
            if work.is_long:
                return
            job = shard.jobs[job_id]
            if job.ending is None and job_id not in evicted:
                evicted[job_id] = None
                work.length += 2
                work.evictions.append(
                    Eviction(job_id, job.attempt, EvictionReason.NODE_LOST, f"node {name}")
                )


def place(work: Pass) -> None:
    """Give turns to queues until nothing more fits or the decision is long enough."""
    state = work.state
    waiting, turns = state.waiting, state.waiting.turns
    if len(waiting):
        state.refresh_shares()
    jobs, effort = state.shard.jobs, state.effort
    while not work.is_long:
        turn = turns.next()
        if turn is None:
            if state.tightened:
                close_tightened(work)  # which may bring a job forward that was passed over
                continue
            break
        effort.shapes_tried += 1
        job_id, job_class = waiting.first_at(turn)
        _try(work, jobs[job_id], job_class)


ACTIONS: Final[tuple[Callable[[Pass], None], ...]] = (
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
    explain,
)
"""What has lost its machine comes first, so that its places are not counted as held for long."""


def _try(work: Pass, job: Job, job_class: JobClass) -> None:
    """Place a job, or park it, or close its class."""
    state, spec = work.state, job.spec
    scope = job_class.key.scope
    refused = work.gates.judge(scope, job_class.whole, spec.job_type) if scope else None
    if refused is not None and refused[1].code in PARKED:
        state.park(job, refused[1])
        return
    shape = job_class.key.shape
    tasks = state.rooms.place(shape) if refused is None else None
    if tasks is None:
        if (hopeless := _hopeless(work, job, job_class)) is not None:
            state.park(job, hopeless)
            return
        reason, level = _no_room(job_class), None
        if refused is not None:
            level, reason = refused
        state.waiting.close(job_class, reason, level)
        if level is None:
            work.promises.note_blocked(job_class)
        return
    clear = clear_of(work, job, tasks) if state.shard.reservations else None
    if isinstance(clear, Conflict):
        state.waiting.hold(job_class, clear.reason())
        return
    if clear is not None:
        tasks = clear.tasks
    if (clear is None or not is_kept_for(work, spec)) and is_held_back(work, job, tasks):
        state.waiting.hold(job_class, _no_room(job_class))
        return
    start(work, job, scope, job_class.whole, tasks if clear is None else cut(work, spec, clear))


def _hopeless(work: Pass, job: Job, job_class: JobClass) -> PendingReason | None:
    """Return what no waiting helps: a cluster that is not there, or is too small for the job."""
    rooms, spec = work.state.rooms, job.spec
    if not rooms.has_cluster(spec.executor):
        return PendingReason(ReasonCode.NO_CLUSTER, {"executor": spec.executor})
    if not rooms.could_hold(job_class.key.shape):
        largest = {f"largest_{k}": v for k, v in sorted(rooms.largest(spec.executor).items())}
        return PendingReason(
            ReasonCode.UNFITTABLE,
            {"tasks": spec.least_tasks, **largest, **_unmet(work, job_class.key.shape)},
        )
    return None


def _unmet(work: Pass, shape: Shape) -> Unmet:
    """Return what no node has; it is the shape's, until nodes change and it is judged anew."""
    if shape.unmet is None:
        nodes = (room.node for room in work.state.rooms.rooms_of(shape.kind.name))
        shape.unmet = unmet(shape.example, nodes, work.settings.headroom_milli)
    return shape.unmet


def _no_room(job_class: JobClass) -> PendingReason:
    spec = job_class.spec
    detail: dict[str, str | int] = {"tasks": spec.least_tasks}
    amounts = spec.resources if not spec.groups else job_class.whole
    return PendingReason(ReasonCode.CAPACITY, detail | dict(sorted(amounts.items())))
