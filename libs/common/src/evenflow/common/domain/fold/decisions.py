"""What a cycle's decision does to the state.

It was right for what the engine saw; what happened since may void single records.
"""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.claim import Claim
from evenflow.common.domain.decisions.decisions import (
    FOR_OTHERS,
    Eviction,
    Placement,
    TaskPlacement,
)
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.fold.jobs import drop_claim, end_pending, stop_waiting
from evenflow.common.domain.jobs.job import Ending, Job, JobState, TaskPhase
from evenflow.common.domain.jobs.lost_time import note_lost
from evenflow.common.domain.jobs.requests import requests_of
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.resources import Resources, plus, shortage, times
from evenflow.common.domain.state.ledger import NodeHeld
from evenflow.common.domain.state.shard_state import ShardState

_NO_JOB: Final = "no such job, or it has ended"


def fold_cycle(folded: Folded, entry: Entry, fact: cycle.Decided) -> None:
    """Carry out one cycle's decision, record by record."""
    state = folded.state
    for eviction in fact.evictions:
        _evict(folded, eviction, fact.now)
    for claim in fact.claims:
        _claim(folded, claim, fact)
    for placement in fact.placements:
        job = state.jobs.get(placement.job_id)
        reason = _NO_JOB if job is None else _refusal(state, job, placement)
        if job is None or reason:
            folded.void(placement.job_id, reason)
        else:
            _place(folded, job, placement, entry)
    for growth in fact.growths:
        _grow(folded, growth, entry)
    for rejection in fact.rejections:
        job = state.jobs.get(rejection.job_id)
        if job is None or job.state is not JobState.PENDING:
            folded.void(rejection.job_id, "the job is not pending")
        else:
            end_pending(folded, job, JobState.REJECTED, entry, rejection.message)
    for change in fact.reasons:
        job = state.jobs.get(change.job_id)
        if job is None or job.state is not JobState.PENDING:
            folded.void(change.job_id, "the job is not pending")
        else:
            job.reason = change.reason
            folded.jobs[change.job_id] = job


def _refusal(state: ShardState, job: Job, placement: Placement) -> str:
    """Say why a placement no longer stands; empty when it does."""
    if job.state is not JobState.PENDING:
        return f"the job is {job.state}"
    if placement.attempt != job.attempt:
        return f"attempt {placement.attempt} is not the job's {job.attempt}"
    least, placed, most = job.spec.least_tasks, len(placement.tasks), job.spec.tasks
    if not least <= placed <= most:
        wanted = f"{least} to {most}" if least < most else str(most)
        return f"{placed} tasks placed of {wanted}"
    return _no_room(state, job, placement.tasks, first=0)


def _growth_refusal(state: ShardState, job: Job, growth: Placement) -> str:
    """Say why a live job does not grow so; empty when it does."""
    if not job.is_live:
        return f"the job is {job.state}"
    if growth.attempt != job.attempt:
        return f"attempt {growth.attempt} is not the job's {job.attempt}"
    if job.must_stop or TaskPhase.ENDED in job.phases:
        return "the attempt is already ending"
    held = len(job.placement)
    if not growth.tasks or held + len(growth.tasks) > job.spec.tasks:
        return f"{len(growth.tasks)} tasks more than {held} placed of {job.spec.tasks}"
    return _no_room(state, job, growth.tasks, first=held)


def _no_room(state: ShardState, job: Job, tasks: tuple[TaskPlacement, ...], *, first: int) -> str:
    """Say which node does not take its tasks, the job's `first` one and on; empty when all do.

    Nodes may have left or shrunk since the engine looked. A gang may put several tasks on one.
    """
    for name, request in _by_node(job.spec, tasks, first).items():
        node = state.nodes.get(name)
        if node is None or not node.is_ready or name in state.cordoned:
            return f"node {name} takes no work any more"
        if short := _short(request, node, state.ledger.nodes.get(name)):
            return f"node {name} has too little {short} left"
    return ""


def _short(request: Resources, node: Node, held: NodeHeld | None) -> str | None:
    """Return the first resource, by name, of which a node has too little; None when it has all."""
    if held is None:
        return shortage(request, node.capacity)
    capacity, used = node.capacity, held.resources
    short = [
        name
        for name, amount in request.items()
        if amount > (capacity[name] - used.get(name, 0) if name in capacity else 0)
    ]
    return min(short) if short else None


def _by_node(
    spec: JobSpec, tasks: tuple[TaskPlacement, ...], first: int
) -> Mapping[str, Resources]:
    """Return what the tasks ask of each node together."""
    if not spec.groups:
        if len(tasks) == 1:
            return {tasks[0].node: spec.resources}
        counts: dict[str, int] = {}
        for task in tasks:
            counts[task.node] = counts.get(task.node, 0) + 1
        return {name: times(spec.resources, count) for name, count in counts.items()}
    wanted: dict[str, dict[str, int]] = {}
    requests = requests_of(spec, first, first + len(tasks))
    for task, request in zip(tasks, requests, strict=True):
        wanted[task.node] = plus(wanted.get(task.node, {}), request)
    return wanted


def _place(folded: Folded, job: Job, placement: Placement, entry: Entry) -> None:
    stop_waiting(folded.state, job)
    drop_claim(folded, placement.job_id)
    job.move(JobState.PLACED)
    job.placement = placement.tasks
    job.phases = [TaskPhase.PLACED] * len(placement.tasks)
    job.placed_at = entry.occurred_at
    folded.state.ledger.hold(job)
    folded.jobs[placement.job_id] = job


def _grow(folded: Folded, growth: Placement, entry: Entry) -> None:
    job = folded.state.jobs.get(growth.job_id)
    reason = _NO_JOB if job is None else _growth_refusal(folded.state, job, growth)
    if job is None or reason:
        folded.void(growth.job_id, reason)
        return
    first = len(job.placement)
    job.placement += growth.tasks
    job.grown_at += ((first, entry.occurred_at),)
    job.phases += [TaskPhase.PLACED] * len(growth.tasks)
    folded.state.ledger.hold_more(job, first)
    folded.jobs[growth.job_id] = job


def _evict(folded: Folded, eviction: Eviction, now: Instant) -> None:
    job = folded.state.jobs.get(eviction.job_id)
    if job is None or not job.is_live or eviction.attempt != job.attempt:
        folded.void(eviction.job_id, "that attempt is not live")
    elif job.ending is not None:
        folded.void(eviction.job_id, "the attempt is already ending")
    else:
        message = f"evicted: {eviction.reason}" + (
            f" ({eviction.detail})" if eviction.detail else ""
        )
        if eviction.reason in FOR_OTHERS:
            note_lost(folded.state.lost_time, job, now)
        job.ending = Ending(JobState.PENDING, message=message, beneficiary=eviction.beneficiary)
        folded.jobs[eviction.job_id] = job


def _claim(folded: Folded, claim: Placement, fact: cycle.Decided) -> None:
    """Keep room for a job until those have ended whom the same decision stops, or no more."""
    if not claim.tasks:
        drop_claim(folded, claim.job_id)
        return
    state = folded.state
    job = state.jobs.get(claim.job_id)
    if job is None:
        folded.void(claim.job_id, _NO_JOB)
        return
    is_moving = job.ending is not None and job.ending.target is JobState.PENDING
    if claim.attempt != job.attempt + is_moving or (job.is_live and not is_moving):
        folded.void(claim.job_id, f"attempt {claim.attempt} does not wait")
        return
    stopping = {
        each.job_id: None
        for each in fact.evictions
        if each.beneficiary and each.job_id != claim.job_id and _is_stopping(state, each)
    }
    state.claims[claim.job_id] = Claim(claim.attempt, claim.tasks, stopping)
    folded.claims[claim.job_id] = None


def _is_stopping(state: ShardState, eviction: Eviction) -> bool:
    job = state.jobs.get(eviction.job_id)
    if job is None or job.attempt != eviction.attempt or job.ending is None:
        return False
    return job.ending.beneficiary == eviction.beneficiary
