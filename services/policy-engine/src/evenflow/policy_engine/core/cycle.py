"""One pass of the engine, least disruptive first: evict what lost its node, place, grow, explain.

Pure: what it is given alone decides what it returns. What it means to do stays in the state's
indexes until the log confirms it; what found no room or no open gate is remembered there, so that
it costs nothing until something changes that may help it. Backfill, reclaim and preemption take
their places in ACTIONS.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
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
    TaskPlacement,
)
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.job import Job, whole_request
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.quota_provider import QuotaProvider
from evenflow.common.domain.settings import SchedulerSettings
from evenflow.policy_engine.core.classes import JobClass
from evenflow.policy_engine.core.gates import PARKED, Gates
from evenflow.policy_engine.core.state import EngineState

CORE_VERSION: Final = "2"
"""Grows when the same input may be decided otherwise."""
LONGEST: Final = 4_000  # hundreds of bytes, roughly: a message holds a megabyte


@dataclass(slots=True)
class Pass:
    """What one cycle has found out so far."""

    state: EngineState
    settings: SchedulerSettings
    now: Instant
    quotas: QuotaProvider
    gates: Gates
    evictions: list[Eviction] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    growths: list[Placement] = field(default_factory=list)
    reasons: list[ReasonChange] = field(default_factory=list)
    length: int = 0  # roughly, in hundreds of bytes on the wire

    @property
    def is_long(self) -> bool:
        """Whether the decision is long enough for one message; the next cycle goes on from it."""
        most = self.settings.max_placements
        return self.length >= LONGEST or len(self.placements) + len(self.growths) >= most


def run_cycle(state: EngineState, settings: SchedulerSettings, now: Instant) -> cycle.Decided:
    """Decide what starts, stops and waits, at `now` (shard clock).

    Returns:
        The decision, empty when nothing is to be said; it saw all up to the state's sequence.
    """
    state.take_back()
    state.wake(now)
    shard = state.shard
    quotas = state.plugins.quotas.provider(shard, state.commitments, now)
    work = Pass(state, settings, now, quotas, Gates(shard, state.commitments, quotas))
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
    )


def is_empty(decision: cycle.Decided) -> bool:
    """Whether the decision says nothing."""
    said = (decision.placements, decision.evictions, decision.reasons, decision.growths)
    return not any(said)


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
        path = turn.path
        _try(work, jobs[waiting.head_of(path)[0]], waiting.class_of(path))


def grow(work: Pass) -> None:
    """Let elastic gangs grow into what nobody waits for."""
    state = work.state
    if state.waiting.classes.no_room:
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
        spec, kept = job.spec, tasks
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
        news |= _class_news(state)
    for job_id in sorted(news):
        if work.length >= LONGEST:
            return
        work.reasons.append(ReasonChange(job_id, news[job_id]))
        work.length += 3


def _class_news(state: EngineState) -> dict[str, PendingReason]:
    """Return what heads of closed classes have not been told; told ones are forgotten."""
    jobs, saying = state.shard.jobs, state.waiting.saying
    news: dict[str, PendingReason] = {}
    for job_class in list(saying):
        reason = job_class.reason
        if not job_class.is_open and reason is not None:
            untold = [i for i in state.waiting.to_tell(job_class) if jobs[i].reason != reason]
            news |= dict.fromkeys(untold, reason)
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


ACTIONS: Final[tuple[Callable[[Pass], None], ...]] = (evict, reopen, place, grow, explain)
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
        return
    whole = job_class.whole
    if spec.groups and len(tasks) > spec.least_tasks:
        tasks, whole = _within_gates(work, job, tasks)
    if scope and not work.quotas.allocate_quota(spec.queue, whole, spec.job_type, spec.id):
        raise BrokenInvariant(f"quota of job {spec.id} was granted, then refused")
    work.placements.append(Placement(spec.id, job.attempt, tasks))
    work.length += 1 + len(tasks)
    if scope:
        state.tightened.update(dict.fromkeys(lineage(scope)))
    state.mean_placement(job, tasks, whole, work.now)


def _within_gates(
    work: Pass, job: Job, tasks: tuple[TaskPlacement, ...]
) -> tuple[tuple[TaskPlacement, ...], dict[str, int]]:
    """Cut an elastic gang to what limits and quotas let start."""
    spec = job.spec
    kept = len(tasks)
    while kept > spec.least_tasks and work.gates.judge(
        spec.queue, whole_request(spec, kept), spec.job_type
    ):
        kept -= 1
    if kept < len(tasks):
        work.state.rooms.give(spec, tasks[kept:], kept)
    return tasks[:kept], whole_request(spec, kept)


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
