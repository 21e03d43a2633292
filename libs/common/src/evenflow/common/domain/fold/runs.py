"""What a cluster's reports do to the state: tasks start and end, jobs end or wait again."""

from typing import Final

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.claim import note_stopped
from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import runs
from evenflow.common.domain.fold.folded import AttemptEnd, Folded
from evenflow.common.domain.fold.jobs import BEHIND_OTHERS, leave, wait_again
from evenflow.common.domain.fold.usage import note_end
from evenflow.common.domain.jobs.job import Ending, Job, JobState, TaskPhase
from evenflow.common.domain.jobs.placed_tasks import placed_tasks_of
from evenflow.common.domain.jobs.recent_runs import note_run
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.rest import rest_after

BACKOFF_FIRST_US: Final = 1 * SECOND
BACKOFF_MOST_US: Final = 30 * SECOND
_RAN: Final = frozenset({Outcome.SUCCEEDED, Outcome.TIMEOUT})
"""Ends that only a task that ran can have, whether its start was told or not."""
_RANK: Final = {phase: rank for rank, phase in enumerate(TaskPhase)}


def fold_reports(folded: Folded, _: Entry, fact: runs.Reported) -> None:
    """Move runs on. A report of an older attempt, or of a phase already passed, is void."""
    for report in fact.runs:
        job = folded.state.jobs.get(report.job_id)
        if job is None or not job.is_live:
            folded.void(report.job_id, "the job is not live")
        elif report.attempt != job.attempt:
            folded.void(report.job_id, f"attempt {report.attempt} is not the job's {job.attempt}")
        elif report.phase is TaskPhase.ENDED and report.outcome is None:
            folded.void(report.job_id, "an end without an outcome says nothing")
        elif not (tasks := _fresh(job, report)):
            folded.void(
                report.job_id, f"nothing new: its tasks are already {report.phase} or further"
            )
        else:
            _fold(folded, job, report, tasks)
            folded.jobs[report.job_id] = job


def _fresh(job: Job, report: runs.RunReport) -> list[int]:
    """Return the reported tasks that are not yet in that phase."""
    indices = range(len(job.phases)) if report.tasks is None else report.tasks
    rank = _RANK[report.phase]
    return [i for i in indices if 0 <= i < len(job.phases) and _RANK[job.phases[i]] < rank]


def _fold(folded: Folded, job: Job, report: runs.RunReport, tasks: list[int]) -> None:
    for index in tasks:
        job.phases[index] = report.phase
    _note_nodes(folded, job, report, tasks)
    if report.phase is TaskPhase.ENDED:
        if report.started_at is not None or report.outcome in _RAN:
            _catch_up(job, report.started_at or report.at)
        if report.outcome is not Outcome.SUCCEEDED and job.ending is None:
            job.ending = _ending(job, report)
        if all(phase is TaskPhase.ENDED for phase in job.phases):
            _conclude(folded, job, report.at)
    elif job.state is not JobState.RUNNING and _is_running(job):
        _run(job, report.at)
    elif job.state is JobState.PLACED and report.phase is TaskPhase.STARTING:
        job.move(JobState.STARTING)


def _note_nodes(folded: Folded, job: Job, report: runs.RunReport, tasks: list[int]) -> None:
    """Let nodes rest that can start nothing now; one that starts a run after its rest is sound."""
    resting = folded.state.resting
    is_refusal = report.outcome is Outcome.REFUSED and report.node_fault
    if not resting and not is_refusal:
        return
    started_at = report.at if report.phase is TaskPhase.RUNNING else report.started_at
    for node in dict.fromkeys(job.placement[index].node for index in tasks):
        rest = resting.get(node)
        if is_refusal and node in folded.state.nodes:
            if (longer := rest_after(rest, report.at)) is not rest:
                resting[node] = longer
                folded.nodes.add(node)
        elif rest is not None and started_at is not None and started_at >= rest.until:
            del resting[node]


def _is_running(job: Job) -> bool:
    """Whether all tasks run that started it; those by which it has grown since may come later."""
    phases = job.phases[: job.grown_at[0][0]] if job.grown_at else job.phases
    return all(_RANK[phase] >= _RANK[TaskPhase.RUNNING] for phase in phases)


def _run(job: Job, at: int) -> None:
    job.move(JobState.RUNNING)
    job.started_at = at


def _catch_up(job: Job, started_at: int) -> None:
    """Pass the states of a start that was never told: its binder died with the message."""
    if job.state is JobState.PLACED:
        job.move(JobState.STARTING)
    if job.started_at is None and all(phase is TaskPhase.ENDED for phase in job.phases):
        _run(job, started_at)


def _ending(job: Job, report: runs.RunReport) -> Ending:
    """Say what the first unsuccessful end of a task makes of the whole attempt."""
    code, message = report.exit_code, report.message
    match report.outcome:
        case Outcome.CANCELLED:
            return Ending(JobState.CANCELLED, code, message)
        case Outcome.TIMEOUT:
            return Ending(JobState.TIMEOUT, code, message)
        case Outcome.STOPPED:
            return Ending(JobState.PENDING, code, message)
        case Outcome.FAILED:
            job.failures += 1
            is_last = job.failures > job.spec.retry_limit
            return _again_or_failed(is_last, job.failures, code, message)
        case Outcome.REFUSED if report.node_fault:
            return Ending(JobState.PENDING, code, message)  # the node rests; the job lost nothing
        case _:
            job.setbacks += 1
            is_last = job.setbacks > job.spec.backoff_limit or (
                report.outcome is Outcome.REFUSED and not report.retryable
            )
            return _again_or_failed(is_last, job.setbacks, code, message)


def _again_or_failed(is_last: bool, tries: int, code: int | None, message: str) -> Ending:  # noqa: FBT001
    if is_last:
        return Ending(JobState.FAILED, code, message)
    # 1 s doubling to 30 s (BND-04); shifts are bounded, so a huge count cannot make a huge number.
    delay = min(BACKOFF_MOST_US, BACKOFF_FIRST_US << min(tries - 1, 10))
    return Ending(JobState.PENDING, code, message, delay)


def _conclude(folded: Folded, job: Job, at: int) -> None:
    """The attempt is over: give back what it held, then end the job or let it wait again."""
    ending = job.ending or Ending(JobState.SUCCEEDED, 0)
    placed_tasks = placed_tasks_of(job)
    folded.state.ledger.release(job)
    note_end(folded.state, job.spec, placed_tasks, at)
    if (forgotten := note_run(folded.state.recent_runs, job, at)) is not None:
        folded.users_forgotten.append(forgotten)
    folded.attempts_ended.append(
        AttemptEnd(job.spec, job.attempt, job.started_at, at, placed_tasks)
    )
    if ending.beneficiary:
        note_stopped(folded.state.claims.values(), job.spec.id)
    target = ending.target
    if target is JobState.PENDING and job.cancel_requested:
        target = JobState.CANCELLED
    job.exit_code = ending.exit_code
    job.message = ending.message
    if target is not JobState.PENDING:
        job.finished_at = at
        leave(folded, job, target)
        return
    job.move(JobState.PENDING)
    job.attempt += 1
    job.placement = ()
    job.grown_at = ()
    job.phases = []
    job.ending = None
    job.placed_at = job.started_at = None
    job.not_before = at + ending.delay_us if ending.delay_us else 0
    job.reason = (
        PendingReason(ReasonCode.BACKOFF, {"attempt": job.attempt, "until": job.not_before})
        if ending.delay_us
        else BEHIND_OTHERS
    )
    wait_again(folded.state, job)
