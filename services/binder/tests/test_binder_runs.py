"""The table of runs: everything is asked once and told once."""

import pytest

from evenflow.binder.core.desired import Start, Stop, Task
from evenflow.binder.core.reports import Step
from evenflow.binder.core.run_table import LONGEST_MESSAGE, End, Refusal, RunTable
from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_spec

SPEC = a_spec(1)
DECIDED = 17


def a_task(phase: TaskPhase = TaskPhase.PLACED, attempt: int = 1) -> Task:
    token = f"{SPEC.id}-0-{attempt}"
    started_at = T0 if phase is TaskPhase.RUNNING else None
    return Task(token, SPEC, attempt, 0, 1, TaskPlacement("n1"), phase, T0, started_at)


TASK = a_task()
TOKEN = TASK.token
GONE = End(T0 + 9, Outcome.SUCCEEDED, 0, started_at=T0 + 5)


def started() -> RunTable:
    """A run that runs, as far as the cluster says."""
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    runs.started(TOKEN, T0 + 5)
    return runs


def test_a_placed_task_is_started_once() -> None:
    runs = RunTable()
    assert runs.reconcile(SPEC.id, (TASK,), None, DECIDED) == [Start(TASK)]
    assert runs.reconcile(SPEC.id, (TASK,), None, DECIDED) == []


def test_a_task_cancelled_before_its_start_is_only_stopped() -> None:
    commands = RunTable().reconcile(SPEC.id, (TASK,), Outcome.CANCELLED, DECIDED)
    assert commands == [Stop(TOKEN, Outcome.CANCELLED)]


def test_a_stop_is_asked_once_and_its_first_outcome_stands() -> None:
    runs = started()
    first = runs.reconcile(SPEC.id, (TASK,), Outcome.CANCELLED, DECIDED)
    assert first == [Stop(TOKEN, Outcome.CANCELLED)]
    assert runs.reconcile(SPEC.id, (TASK,), Outcome.STOPPED, DECIDED) == []


def test_a_start_and_an_end_are_told_once_each() -> None:
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    told = [
        runs.started(TOKEN, T0 + 5),
        runs.started(TOKEN, T0 + 5),
        runs.ended(TOKEN, GONE),
        runs.ended(TOKEN, GONE),
        runs.started(TOKEN, T0 + 5),
    ]
    assert [step and step.phase for step in told] == [
        TaskPhase.RUNNING,
        None,
        TaskPhase.ENDED,
        None,
        None,
    ]


def test_an_ended_run_is_not_started_again_before_the_log_knows_its_end() -> None:
    runs = started()
    step = runs.ended(TOKEN, GONE)
    assert step is not None
    assert runs.acknowledged([step]) == [TOKEN]
    # Our own fold is behind: the job still looks placed.
    assert runs.reconcile(SPEC.id, (TASK,), None, DECIDED) == []
    assert runs.reconcile(SPEC.id, (), None, DECIDED) == []
    assert TOKEN not in runs


def test_a_run_the_log_is_done_with_is_stopped_and_its_end_is_no_news() -> None:
    runs = started()
    assert runs.reconcile(SPEC.id, (), None, DECIDED) == [Stop(TOKEN, Outcome.STOPPED)]
    assert runs.ended(TOKEN, GONE) is None
    assert TOKEN not in runs


def test_a_next_attempt_starts_and_what_is_left_of_the_last_one_is_stopped() -> None:
    runs = started()
    second = a_task(attempt=2)
    commands = runs.reconcile(SPEC.id, (second,), None, DECIDED)
    assert commands == [Start(second), Stop(TOKEN, Outcome.STOPPED)]


def test_an_adopted_run_that_the_cluster_tells_of_is_not_started() -> None:
    runs = RunTable()
    runs.adopt([TASK], DECIDED)
    assert runs.started(TOKEN, T0 + 5) is not None
    assert runs.reconcile(SPEC.id, (TASK,), None, DECIDED) == []


def test_an_adopted_task_that_nobody_started_is_started() -> None:
    runs = RunTable()
    runs.adopt([TASK], DECIDED)
    assert runs.reconcile(SPEC.id, (TASK,), None, DECIDED) == [Start(TASK)]


def test_an_adopted_running_task_is_neither_started_nor_told_again() -> None:
    runs, task = RunTable(), a_task(TaskPhase.RUNNING)
    runs.adopt([task], DECIDED)
    assert runs.reconcile(SPEC.id, (task,), None, DECIDED) == []
    assert runs.started(TOKEN, T0 + 5) is None
    assert runs.alive == 1


@pytest.mark.parametrize(
    ("event", "is_wanted"),
    [
        pytest.param(None, True, id="nothing was heard"),
        pytest.param("started", False, id="the run was adopted meanwhile"),
        pytest.param("ended", False, id="the run is over and may be forgotten"),
        pytest.param("cancelled", False, id="the job was cancelled meanwhile"),
    ],
)
def test_a_start_that_waited_for_its_turn(event: str | None, is_wanted: bool) -> None:  # noqa: FBT001
    runs = RunTable()
    (start,) = runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    if event == "started":
        runs.started(TOKEN, T0 + 5)
    elif event == "ended":
        runs.ended(TOKEN, GONE)
    elif event == "cancelled":
        runs.reconcile(SPEC.id, (TASK,), Outcome.CANCELLED, DECIDED)
    assert runs.still_wants(start) is is_wanted


def test_a_start_given_up_is_refused_only_when_its_end_says_that_it_never_started() -> None:
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    assert runs.give_up(TOKEN, Refusal("no answer", retryable=True)) == [
        Stop(TOKEN, Outcome.STOPPED)
    ]
    step = runs.ended(TOKEN, End(T0 + 60, Outcome.STOPPED))
    assert step is not None
    assert (step.outcome, step.message, step.retryable) == (Outcome.REFUSED, "no answer", True)


def test_a_start_given_up_that_had_worked_ends_as_stopped() -> None:
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    runs.give_up(TOKEN, Refusal("no answer", retryable=True))
    step = runs.ended(TOKEN, End(T0 + 60, Outcome.STOPPED, started_at=T0 + 1))
    assert step is not None
    assert step.outcome is Outcome.STOPPED


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.TIMEOUT])
def test_an_end_that_needs_a_start_always_names_one(outcome: Outcome) -> None:
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    step = runs.ended(TOKEN, End(T0 + 9, outcome))
    assert step is not None
    assert step.started_at == T0 + 9


def test_an_end_carries_the_start_that_was_heard_before() -> None:
    step = started().ended(TOKEN, End(T0 + 9, Outcome.FAILED, 1))
    assert step is not None
    assert step.started_at == T0 + 5


def test_a_cancelled_run_out_of_reach_is_let_go_once_and_stays_known_until_it_is_gone() -> None:
    runs = started()
    runs.reconcile(SPEC.id, (TASK,), Outcome.CANCELLED, DECIDED)
    step = runs.forced(TOKEN, T0 + 60, "forced")
    assert step is not None
    assert step.outcome is Outcome.CANCELLED
    assert runs.forced(TOKEN, T0 + 60, "forced") is None
    assert runs.acknowledged([step]) == []  # the cluster must not forget what it has not ended
    runs.reconcile(SPEC.id, (), None, DECIDED)
    assert TOKEN in runs
    assert runs.ended(TOKEN, GONE) is None
    assert TOKEN not in runs


def test_an_evicted_run_out_of_reach_is_never_let_go() -> None:
    runs = started()
    runs.reconcile(SPEC.id, (TASK,), Outcome.STOPPED, DECIDED)
    assert runs.forced(TOKEN, T0 + 60, "forced") is None


def test_stopping_everything_leaves_alone_what_was_never_tried() -> None:
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    runs.withdraw(TOKEN)
    assert list(runs.stop_all()) == []
    runs.started(TOKEN, T0 + 5)
    assert list(runs.stop_all()) == [Stop(TOKEN, Outcome.STOPPED)]


def test_a_decision_counts_as_reported_once_its_runs_are_running_in_the_log() -> None:
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    assert runs.oldest_unsettled() == DECIDED
    step = runs.started(TOKEN, T0 + 5)
    assert step is not None
    assert runs.oldest_unsettled() == DECIDED
    runs.acknowledged([step])
    assert runs.oldest_unsettled() is None
    runs.reconcile(SPEC.id, (TASK,), Outcome.CANCELLED, DECIDED)
    assert runs.oldest_unsettled() == DECIDED


def test_a_slow_start_is_told_once_and_never_after_the_run_runs() -> None:
    runs = RunTable()
    runs.reconcile(SPEC.id, (TASK,), None, DECIDED)
    step = runs.starting(TOKEN, T0 + 1)
    assert isinstance(step, Step)
    assert step.phase is TaskPhase.STARTING
    assert runs.starting(TOKEN, T0 + 2) is None
    assert runs.started(TOKEN, T0 + 5) is not None
    assert runs.starting(TOKEN, T0 + 6) is None


def test_runs_nobody_knows_are_no_news() -> None:
    runs = RunTable()
    assert runs.started("x-0-1", T0) is None
    assert runs.ended("x-0-1", GONE) is None


def test_an_endless_message_is_cut() -> None:
    step = started().ended(TOKEN, End(T0 + 9, Outcome.FAILED, 1, message="x" * 5_000))
    assert step is not None
    assert len(step.message) == LONGEST_MESSAGE
