"""Elastic gangs take the tasks that they lack: what nobody waits for, and gaps as backfill does."""

from typing import Final

from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.queues.queue import lineage
from evenflow.policy_engine.core.backfill.bounds import are_admitted, take
from evenflow.policy_engine.core.backfill.step import promised
from evenflow.policy_engine.core.session.clearance import most_growth
from evenflow.policy_engine.core.session.promises import Promise
from evenflow.policy_engine.core.session.session import Session

MOST_IN_GAPS: Final = 32
"""Gangs that one cycle looks at while others wait for room: each costs a look at its nodes."""
Tasks = tuple[TaskPlacement, ...]


def grow(session: Session) -> None:
    """Let elastic gangs grow, those first that were accepted first.

    While others wait for room they may have what delays none that is promised any; see
    `backfill.action.promised`.
    """
    state, tried = session.state, 0
    for _, job_id in list(state.live.growing):
        if session.is_long or tried == MOST_IN_GAPS:
            return
        job = state.shard.jobs[job_id]
        if job_id in state.assumed.placements or job.must_stop or job.has_ended_tasks:
            continue
        promises = promised(session, job.spec.executor)
        if promises is None:
            continue
        tried += bool(promises)
        tasks = state.rooms.grow(job.spec, job.placement)
        if tasks:
            _grow(session, job, tasks, promises)


def _grow(session: Session, job: Job, tasks: Tasks, promises: list[Promise]) -> None:
    """Let a gang have as many of the tasks, whose room is taken, as nothing is in the way of."""
    state, spec, held = session.state, job.spec, len(job.placement)
    kept = _within_gates(session, job, tasks[: most_growth(session, job, tasks)])
    if len(kept) < len(tasks):
        state.rooms.release(spec, tasks[len(kept) :], held + len(kept))
    if promises:
        kept = _beside(session, job, kept, promises)
    if kept:
        state.assume_growth(job, kept, session.now)
        state.tightened.update(dict.fromkeys(lineage(spec.queue)))
        session.growths.append(Placement(spec.id, job.attempt, kept))
        session.length += 1 + len(kept)


def _within_gates(session: Session, job: Job, tasks: Tasks) -> Tasks:
    """Return as many of the tasks as limits and quotas let it hold beside those that it has."""
    spec, held, kept = job.spec, len(job.placement), tasks
    session.state.commitments.remove(spec.id)
    while kept and session.gates.judge(
        spec.queue, whole_request(spec, held + len(kept)), spec.job_type
    ):
        kept = kept[:-1]
    session.state.commitments.forget(spec.id)
    return kept


def _beside(session: Session, job: Job, tasks: Tasks, promises: list[Promise]) -> Tasks:
    """Return as many as leave the promises whole, found by halving; the others' room is free.

    A later cycle adds what halving passed over.
    """
    spec, first, kept = job.spec, len(job.placement), tasks
    end = session.state.planning.end(job, session.now)
    while kept:
        losses = session.promises.losses(promises, spec, kept, first)
        if end > session.now and are_admitted(losses, end):
            take(losses, end)
            break
        less = kept[: len(kept) // 2]
        session.state.rooms.put_back(spec, kept[len(less) :], first + len(less))
        kept = less
    return kept
