"""Put what happened to many runs into few reports, running before ended."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.facts.runs import RunReport
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome

MOST_REPORTS: Final = 500  # in one message, as everywhere in the log
_TASKS_A_REPORT: Final = 40  # so many task indices take the room of one report


class Step(NamedTuple):
    """A run reached a phase: what the log is to be told. There are thousands a second."""

    token: str
    job_id: str
    attempt: int
    task: int
    most_tasks: int  # of its job: so many at once are told as all of them
    phase: TaskPhase
    at: Instant
    outcome: Outcome | None = None
    exit_code: int | None = None
    message: str = ""
    retryable: bool = False
    started_at: Instant | None = None
    node_fault: bool = False


def merge(steps: Iterable[Step]) -> list[RunReport]:
    """Join steps that differ only in their task and its times; the latest time stands for all.

    Starts come before ends, so a task is never told ended and then running. Among ends the order of
    arrival is kept: the first cause decides what becomes of the job.
    """
    phases: dict[TaskPhase, dict[tuple[object, ...], list[Step]]] = {
        phase: {} for phase in TaskPhase
    }
    for step in steps:
        kind = (
            step.job_id,
            step.attempt,
            step.outcome,
            step.exit_code,
            step.message,
            step.retryable,
            step.node_fault,
        )
        phases[step.phase].setdefault(kind, []).append(step)
    return [_report(group) for groups in phases.values() for group in groups.values()]


def in_messages(reports: Sequence[RunReport]) -> Iterator[tuple[RunReport, ...]]:
    """Cut reports into pieces that fit one message each, in order."""
    piece: list[RunReport] = []
    room = MOST_REPORTS
    for report in reports:
        cost = 1 + len(report.tasks or ()) // _TASKS_A_REPORT
        if piece and cost > room:
            yield tuple(piece)
            piece, room = [], MOST_REPORTS
        piece.append(report)
        room -= cost
    if piece:
        yield tuple(piece)


def _report(group: Sequence[Step]) -> RunReport:
    first = group[0]
    at, started_at = first.at, first.started_at
    if len(group) > 1:  # most jobs have one task, and this is the binder's hottest path
        at = max(step.at for step in group)
        started_at = max((s.started_at for s in group if s.started_at is not None), default=None)
    is_whole = len(group) == first.most_tasks
    return RunReport(
        job_id=first.job_id,
        attempt=first.attempt,
        phase=first.phase,
        at=at,
        tasks=None if is_whole else tuple(sorted(step.task for step in group)),
        outcome=first.outcome,
        exit_code=first.exit_code,
        message=first.message,
        retryable=first.retryable,
        started_at=started_at,
        node_fault=first.node_fault,
    )
