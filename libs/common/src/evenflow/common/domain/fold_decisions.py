"""The law for decisions: right for what the engine saw; what happened since may void a record."""

from evenflow.common.domain.decisions import Eviction, Placement
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold_jobs import end_pending, stop_waiting
from evenflow.common.domain.folded import Folded
from evenflow.common.domain.job import Ending, Job, JobState, TaskPhase
from evenflow.common.domain.resources import shortage
from evenflow.common.domain.state import ShardState


def fold_cycle(folded: Folded, entry: Entry, fact: cycle.Decided) -> None:
    """Carry out one cycle's decision, record by record."""
    state = folded.state
    for eviction in fact.evictions:
        _evict(folded, eviction)
    for placement in fact.placements:
        job = state.jobs.get(placement.job_id)
        reason = "no such job, or it has ended" if job is None else _refusal(state, job, placement)
        if job is None or reason:
            folded.void(placement.job_id, reason or "")
        else:
            _place(folded, job, placement, entry)
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
    if len(placement.tasks) != job.spec.tasks:
        return f"{len(placement.tasks)} tasks placed of {job.spec.tasks}"
    # Nodes may have left or shrunk since the engine looked. A gang may put several tasks on one.
    wanted: dict[str, int] = {}
    for task in placement.tasks:
        wanted[task.node] = wanted.get(task.node, 0) + 1
    for name, tasks in wanted.items():
        node = state.nodes.get(name)
        if node is None or not node.is_ready or name in state.cordoned:
            return f"node {name} takes no work any more"
        held = state.ledger.nodes.get(name)
        free = node.capacity
        if held is not None:
            free = {kind: amount - held.resources.get(kind, 0) for kind, amount in free.items()}
        request = {kind: amount * tasks for kind, amount in job.spec.resources.items()}
        if short := shortage(request, free):
            return f"node {name} has too little {short} left"
    return ""


def _place(folded: Folded, job: Job, placement: Placement, entry: Entry) -> None:
    stop_waiting(folded.state, job)
    job.move(JobState.PLACED)
    job.placement = placement.tasks
    job.phases = [TaskPhase.PLACED] * len(placement.tasks)
    job.placed_at = entry.occurred_at
    folded.state.ledger.hold(job)
    folded.jobs[placement.job_id] = job


def _evict(folded: Folded, eviction: Eviction) -> None:
    job = folded.state.jobs.get(eviction.job_id)
    if job is None or not job.is_live or eviction.attempt != job.attempt:
        folded.void(eviction.job_id, "that attempt is not live")
    elif job.ending is not None:
        folded.void(eviction.job_id, "the attempt is already ending")
    else:
        message = f"evicted: {eviction.reason}" + (
            f" ({eviction.detail})" if eviction.detail else ""
        )
        job.ending = Ending(JobState.PENDING, message=message)
        folded.jobs[eviction.job_id] = job
