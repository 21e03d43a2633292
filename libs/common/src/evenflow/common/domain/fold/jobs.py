"""What owners of jobs say does to the state: submissions, changes, cancels."""

from dataclasses import replace

from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.common.domain.jobs.rules import MAX_PRIORITY, broken_rules
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.state.shard_state import ENDED_KEPT, QueueCount, ShardState

BEHIND_OTHERS = PendingReason(ReasonCode.ORDER)
"""What a job waits for until a cycle has looked at it."""


def fold_submissions(folded: Folded, entry: Entry, fact: jobs.Submitted) -> None:
    """Accept jobs into their queues, in order; refuse those that break a rule now."""
    state = folded.state
    for spec in fact.jobs:
        if spec.id in state.jobs or spec.id in state.ended:
            folded.void(spec.id, "the job is already known")  # told twice: the first stands
        elif reason := _refusal(state, spec):
            folded.void(spec.id, reason)
            folded.refused.append((spec, reason))
        else:
            folded.jobs[spec.id] = _accept(state, spec, entry.sequence)


def _refusal(state: ShardState, spec: JobSpec) -> str | None:
    if spec.queue not in state.queues:
        return f"no queue {spec.queue!r}"
    if not state.is_leaf(spec.queue):
        return f"queue {spec.queue!r} has queues below it; jobs go to its leaves"
    broken = next(broken_rules(spec), None)
    return str(broken) if broken else None


def _accept(state: ShardState, spec: JobSpec, sequence: int) -> Job:
    position = state.accepted.get(spec.queue, 0) + 1
    state.accepted[spec.queue] = position
    job = Job(spec, position, sequence, reason=BEHIND_OTHERS)
    state.jobs[spec.id] = job
    for path in lineage(spec.queue):
        count = state.counts.get(path)
        if count is None:
            count = state.counts[path] = QueueCount()
        count.pending += 1
        count.total += 1
    return job


def fold_changes(folded: Folded, _: Entry, fact: jobs.Changed) -> None:
    """Give jobs that have not ended new names, tags or priorities (API-06)."""
    for change in fact.changes:
        job = folded.state.jobs.get(change.job_id)
        if job is None:
            folded.void(change.job_id, "no such job, or it has ended")
            continue
        if change.priority is not None and not 0 <= change.priority <= MAX_PRIORITY:
            folded.void(
                change.job_id, f"priority {change.priority} is not between 0 and {MAX_PRIORITY}"
            )
            continue
        given = {
            name: value
            for name in ("name", "description", "tags", "priority")
            if (value := getattr(change, name)) is not None
        }
        job.spec = replace(job.spec, **given)
        folded.jobs[change.job_id] = job


def fold_cancels(folded: Folded, entry: Entry, fact: jobs.CancelRequested) -> None:
    """End pending jobs at once; mark live ones, whose binder stops them (JOB-09)."""
    for request in fact.requests:
        job = folded.state.jobs.get(request.job_id)
        if job is None:
            folded.void(request.job_id, "no such job, or it has ended")
        elif job.cancel_requested:
            folded.void(request.job_id, "it is already being cancelled")
        else:
            job.cancel_requested = True
            folded.jobs[request.job_id] = job
            if job.state is JobState.PENDING:
                end_pending(folded, job, JobState.CANCELLED, entry, f"cancelled by {request.user}")


def end_pending(folded: Folded, job: Job, target: JobState, entry: Entry, message: str) -> None:
    """End a job that holds nothing."""
    stop_waiting(folded.state, job)
    job.message = message
    job.finished_at = entry.occurred_at
    leave(folded, job, target)


def stop_waiting(state: ShardState, job: Job) -> None:
    """Take a job out of the counts of those that wait."""
    job.reason = None
    for path in lineage(job.spec.queue):
        state.counts[path].pending -= 1


def wait_again(state: ShardState, job: Job) -> None:
    """Put a job back among those that wait, under its old position."""
    for path in lineage(job.spec.queue):
        state.counts[path].pending += 1


def drop_claim(folded: Folded, job_id: str) -> None:
    """Keep no room for a job any more; nothing happens when none is kept."""
    if folded.state.claims.pop(job_id, None) is not None:
        folded.claims[job_id] = None


def leave(folded: Folded, job: Job, target: JobState) -> None:
    """Move a job to its terminal state and let it leave the state; only its id is remembered."""
    state = folded.state
    job.move(target)
    drop_claim(folded, job.spec.id)
    del state.jobs[job.spec.id]
    state.ended[job.spec.id] = None
    if len(state.ended) > ENDED_KEPT:
        del state.ended[next(iter(state.ended))]
    folded.jobs[job.spec.id] = job
