"""One pass of the engine, least disruptive first: evict what lost its node, place, backfill, grow.

Pure: what it is given alone decides what it returns. What it means to do stays in the state's
indexes until the log confirms it; what found no room or no open gate is remembered there, so that
it costs nothing until something changes that may help it.
"""

from collections.abc import Callable, Container
from typing import Final

from evenflow.common.domain.budget import spent_of
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions import (
    Eviction,
    EvictionReason,
    PendingReason,
    Placement,
    ReasonChange,
    ReasonCode,
)
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.job import Job, whole_request
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.settings import SchedulerSettings
from evenflow.policy_engine.core.backfill.action import fill_gaps, is_held_back
from evenflow.policy_engine.core.backfill.promises import Promises
from evenflow.policy_engine.core.classes import JobClass
from evenflow.policy_engine.core.gates import PARKED, Gates
from evenflow.policy_engine.core.preemption.actions import consolidate, preempt, reclaim
from evenflow.policy_engine.core.preemption.fulfil import fulfil
from evenflow.policy_engine.core.reservations import Conflict
from evenflow.policy_engine.core.reservations.action import (
    clear_of,
    cut,
    is_kept_for,
    most_growth,
    start_heads,
)
from evenflow.policy_engine.core.state import EngineState
from evenflow.policy_engine.core.work import LONGEST, Pass, start

CORE_VERSION: Final = "3"
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


def reopen(work: Pass) -> None:
    """Give turns again to what room came free for, or what a gate lets through by now."""
    state = work.state
    classes = state.waiting.classes
    for shape in state.rooms.woken():
        for job_class in classes.of_shape(shape):
            if job_class.refused_at is None:
                state.waiting.open(job_class)
    for job_class in list(classes.held):
        state.waiting.open(job_class)
    _watch_budgets(work)
    loosened, state.loosened = state.loosened, {}
    for level in loosened:
        for (_, job_type), alike in list(classes.below(level).items()):
            refused = [each for each in alike if each.refused_at == level]
            if refused:
                found = work.gates.judge(level, refused[0].whole, job_type)
                for job_class in refused:
                    if found is None or not _is_refused_by(job_class, *found):
                        state.waiting.open(job_class)
    # A decision may have been cut before this. Whom a gate refuses is promised no room.
    _close_tightened(work)


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
                _close_tightened(work)  # which may bring a job forward that was passed over
                continue
            break
        effort.shapes_tried += 1
        job_id, job_class = waiting.first_at(turn)
        _try(work, jobs[job_id], job_class)


def grow(work: Pass) -> None:
    """Let elastic gangs grow into what nobody waits for."""
    state = work.state
    if state.waiting.classes.no_room or state.waiting.classes.held:
        return
    for _, job_id in list(state.live.growing):
        if work.is_long:
            return
        job = state.shard.jobs[job_id]
        if job_id in state.meant.placements or job.must_stop or job.has_ended_tasks:
            continue
        held = job.placement
        tasks = state.rooms.grow(job.spec, held)
        if not tasks:
            continue
        spec, kept = job.spec, tasks[: most_growth(work, job, tasks)]
        state.commitments.remove(job_id)
        while kept and work.gates.judge(
            spec.queue, whole_request(spec, len(held) + len(kept)), spec.job_type
        ):
            kept = kept[:-1]
        state.commitments.forget(job_id)
        if len(kept) < len(tasks):
            state.rooms.give(spec, tasks[len(kept) :], len(held) + len(kept))
        if kept:
            state.mean_growth(job, kept, work.now)
            state.tightened.update(dict.fromkeys(lineage(spec.queue)))
            work.growths.append(Placement(job_id, job.attempt, kept))
            work.length += 1 + len(kept)


def explain(work: Pass) -> None:
    """Tell jobs why they wait, where that is news.

    Those that wait for room or at a gate are told once all turns were taken: while a decision is
    cut, the next slice goes on placing, and what holds now may soon be over.
    """
    state = work.state
    is_cut = work.is_long
    news = _parked_news(state)
    if not is_cut:
        _close_tightened(work)  # gangs may have grown since
        claims = {**state.shard.claims, **{each.job_id: None for each in work.claims}}
        news |= _class_news(state, claims)
    for job_id in sorted(news):
        if work.length >= LONGEST:
            return
        work.reasons.append(ReasonChange(job_id, news[job_id]))
        work.length += 3


def _class_news(state: EngineState, claiming: Container[str]) -> dict[str, PendingReason]:
    """Return what heads of closed classes have not been told; told ones are forgotten.

    Those in `claiming` wait for others to stop, and were told that.
    """
    jobs, saying = state.shard.jobs, state.waiting.saying
    news: dict[str, PendingReason] = {}
    for job_class in list(saying):
        reason = job_class.reason
        if not job_class.is_open and reason is not None:
            untold = [i for i in state.waiting.to_tell(job_class) if jobs[i].reason != reason]
            news |= {job_id: reason for job_id in untold if job_id not in claiming}
            if untold:
                continue
            job_class.unsaid.clear()
        del saying[job_class]
    return news


def _parked_news(state: EngineState) -> dict[str, PendingReason]:
    news: dict[str, PendingReason] = {}
    for job_id in list(state.untold):
        job = state.shard.jobs[job_id]
        reason = state.parked[job.spec.project][job_id]
        if job.reason == reason:
            del state.untold[job_id]
        else:
            news[job_id] = reason
    return news


ACTIONS: Final[tuple[Callable[[Pass], None], ...]] = (
    evict,
    reopen,
    fulfil,
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
        return PendingReason(ReasonCode.UNFITTABLE, {"tasks": spec.least_tasks, **largest})
    return None


def _no_room(job_class: JobClass) -> PendingReason:
    spec = job_class.spec
    detail: dict[str, str | int] = {"tasks": spec.least_tasks}
    amounts = spec.resources if not spec.groups else job_class.whole
    return PendingReason(ReasonCode.CAPACITY, detail | dict(sorted(amounts.items())))


def _is_refused_by(job_class: JobClass, level: str, reason: PendingReason) -> bool:
    return job_class.refused_at == level and job_class.reason == reason


def _watch_budgets(work: Pass) -> None:
    """Look again at budgets: they fill up with time, and periods turn."""
    shard = work.state.shard
    if not shard.budgets:
        return
    for path, quota in shard.quotas.items():
        if quota.gpu_hours is not None:
            spent = spent_of(shard, quota, work.now)
            changed = work.state.tightened if spent is not None and spent.is_used_up else None
            (work.state.loosened if changed is None else changed)[path] = None


def _close_tightened(work: Pass) -> None:
    """Let those that wait for room, or at a deeper gate, wait at a gate above that closed since."""
    waiting = work.state.waiting
    tightened, work.state.tightened = work.state.tightened, {}
    for level in tightened:
        for (_, job_type), alike in list(waiting.classes.below(level).items()):
            later = [
                each
                for each in alike
                if not each.is_open
                and (each.refused_at is None or f"{each.refused_at}/".startswith(f"{level}/"))
            ]
            if later and (refused := work.gates.judge(level, later[0].whole, job_type)):
                for job_class in later:
                    if refused[1].code not in PARKED:
                        waiting.close(job_class, refused[1], refused[0])
