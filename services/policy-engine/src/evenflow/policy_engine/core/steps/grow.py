"""Elastic gangs take the tasks that they lack: what nobody waits for, and gaps as backfill does."""

from typing import Final

from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.queues.queue import lineage
from evenflow.policy_engine.core.backfill.action import promised
from evenflow.policy_engine.core.backfill.bounds import are_admitted, take
from evenflow.policy_engine.core.session.clearance import most_growth
from evenflow.policy_engine.core.session.promises import Promise
from evenflow.policy_engine.core.session.session import Pass

MOST_IN_GAPS: Final = 32
"""Gangs that one cycle looks at while others wait for room: each costs a look at its nodes."""
Tasks = tuple[TaskPlacement, ...]


def grow(work: Pass) -> None:
    """Let elastic gangs grow, those first that were accepted first.

    While others wait for room they may have what delays none that is promised any; see
    `backfill.action.promised`.
    """
    state, tried = work.state, 0
    for _, job_id in list(state.live.growing):
        if work.is_long or tried == MOST_IN_GAPS:
            return
        job = state.shard.jobs[job_id]
        if job_id in state.meant.placements or job.must_stop or job.has_ended_tasks:
            continue
        promises = promised(work, job.spec.executor)
        if promises is None:
            continue
        tried += bool(promises)
        tasks = state.rooms.grow(job.spec, job.placement)
        if tasks:
            _grow(work, job, tasks, promises)


def _grow(work: Pass, job: Job, tasks: Tasks, promises: list[Promise]) -> None:
    """Let a gang have as many of the tasks, whose room is taken, as nothing is in the way of."""
    state, spec, held = work.state, job.spec, len(job.placement)
    kept = _within_gates(work, job, tasks[: most_growth(work, job, tasks)])
    if len(kept) < len(tasks):
        state.rooms.give(spec, tasks[len(kept) :], held + len(kept))
    if promises:
        kept = _beside(work, job, kept, promises)
    if kept:
        state.mean_growth(job, kept, work.now)
        state.tightened.update(dict.fromkeys(lineage(spec.queue)))
        work.growths.append(Placement(spec.id, job.attempt, kept))
        work.length += 1 + len(kept)


def _within_gates(work: Pass, job: Job, tasks: Tasks) -> Tasks:
    """Return as many of the tasks as limits and quotas let it hold beside those that it has."""
    spec, held, kept = job.spec, len(job.placement), tasks
    work.state.commitments.remove(spec.id)
    while kept and work.gates.judge(
        spec.queue, whole_request(spec, held + len(kept)), spec.job_type
    ):
        kept = kept[:-1]
    work.state.commitments.forget(spec.id)
    return kept


def _beside(work: Pass, job: Job, tasks: Tasks, promises: list[Promise]) -> Tasks:
    """Return as many as leave the promises whole, found by halving; the others' room is free.

    A later cycle adds what halving passed over.
    """
    spec, first, kept = job.spec, len(job.placement), tasks
    end = work.state.planning.end(job, work.now)
    while kept:
        losses = work.promises.losses(promises, spec, kept, first)
        if end > work.now and are_admitted(losses, end):
            take(losses, end)
            break
        less = kept[: len(kept) // 2]
        work.state.rooms.put_back(spec, kept[len(less) :], first + len(less))
        kept = less
    return kept
