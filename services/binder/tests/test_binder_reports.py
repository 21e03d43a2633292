"""Steps of many runs become few reports."""

from evenflow.binder.core.reports import MOST_REPORTS, Step, in_messages, merge
from evenflow.common.domain.facts.runs import RunReport
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome

RUNNING, ENDED = TaskPhase.RUNNING, TaskPhase.ENDED


def a_step(task: int, phase: TaskPhase, at: int, *, job: str = "j", of: int = 3) -> Step:
    step = Step(f"{job}-{task}-1", job, 1, task, of, phase, at)
    return step._replace(outcome=Outcome.SUCCEEDED, started_at=at - 1) if phase is ENDED else step


def test_a_whole_gang_becomes_one_report_of_all_tasks_at_the_latest_time() -> None:
    (report,) = merge(a_step(task, RUNNING, at) for task, at in ((0, 5), (1, 7), (2, 6)))
    assert (report.tasks, report.at) == (None, 7)


def test_part_of_a_gang_names_its_tasks_in_order() -> None:
    (report,) = merge([a_step(2, RUNNING, 5), a_step(0, RUNNING, 5)])
    assert report.tasks == (0, 2)


def test_the_start_of_a_gang_that_ended_together_is_that_of_its_last_task() -> None:
    (report,) = merge(a_step(task, ENDED, at) for task, at in ((0, 5), (1, 9), (2, 6)))
    assert (report.at, report.started_at) == (9, 8)


def test_running_is_told_before_ended_whatever_came_first() -> None:
    steps = [a_step(0, ENDED, 5), a_step(1, RUNNING, 6), a_step(1, ENDED, 7)]
    assert [(r.phase, r.tasks) for r in merge(steps)] == [(RUNNING, (1,)), (ENDED, (0, 1))]


def test_the_first_cause_of_an_end_stays_first() -> None:
    failed = a_step(2, ENDED, 5)._replace(outcome=Outcome.FAILED, exit_code=3)
    stopped = a_step(0, ENDED, 6)._replace(outcome=Outcome.STOPPED)
    assert [r.outcome for r in merge([failed, stopped])] == [Outcome.FAILED, Outcome.STOPPED]


def test_jobs_and_attempts_are_never_mixed() -> None:
    steps = [
        a_step(0, RUNNING, 5, of=1),
        a_step(0, RUNNING, 5, of=1)._replace(attempt=2),
        a_step(0, RUNNING, 5, job="k", of=1),
    ]
    assert [(r.job_id, r.attempt) for r in merge(steps)] == [("j", 1), ("j", 2), ("k", 1)]


def test_messages_keep_the_order_and_the_limit_of_records() -> None:
    reports = [RunReport(str(n), 1, RUNNING, n) for n in range(MOST_REPORTS * 2 + 1)]
    pieces = list(in_messages(reports))
    assert [len(piece) for piece in pieces] == [MOST_REPORTS, MOST_REPORTS, 1]
    assert [report for piece in pieces for report in piece] == reports


def test_reports_with_many_task_numbers_take_more_room() -> None:
    reports = [RunReport(str(n), 1, RUNNING, n, tasks=tuple(range(9_999))) for n in range(3)]
    assert [len(piece) for piece in in_messages(reports)] == [2, 1]
