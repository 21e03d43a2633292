"""The audit sees what it is there to see: without this, zero findings would mean nothing."""

from typing import Any

import pytest

from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, quotas, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import a_node, a_queue, a_spec
from tests.chaos.audit import History, judge
from tests.chaos.load import Line

pytestmark = pytest.mark.chaos

JOB = a_spec(1, queue="capped/all", retry_limit=1)


class Recorded:
    """Stands where the load stands: what was accepted and what the file holds."""

    def __init__(self, *lines: Line) -> None:
        self.accepted = {JOB.id: "a phase"}
        self.names = {JOB.id: JOB.name}
        self._lines = lines

    def lines(self) -> tuple[Line, ...]:
        return self._lines


def line(what: str, attempt: int = 1, task: int = 0) -> Line:
    return Line(JOB.id, attempt, task, 100 + attempt, what)


def history(*facts: Any) -> History:
    told = History()
    for sequence, fact in enumerate(facts, start=1):
        told.fold(Entry(sequence, f"e{sequence}", sequence, "test", fact))
    return told


BEFORE = (
    queues.Defined((a_queue("capped"), a_queue("capped/all"))),
    cluster.Observed("simulated", (a_node("n1"),)),
    leader.Decided("a", "1"),
)
EPOCH = len(BEFORE)
PLACED = cycle.Decided(EPOCH, 1, 1, "1", placements=(Placement(JOB.id, 1, (TaskPlacement("n1"),)),))
ENDED = runs.Reported(
    (
        runs.RunReport(JOB.id, 1, TaskPhase.RUNNING, 5),
        runs.RunReport(JOB.id, 1, TaskPhase.ENDED, 6, outcome=Outcome.SUCCEEDED, exit_code=0),
    )
)
SUBMITTED = jobs.Submitted((JOB,))
WHOLE = (*BEFORE, SUBMITTED, PLACED, ENDED)
GOOD = (line("start"), line("end"))
TOTALS = {"succeeded": 1}


def found(told: History, *lines: Line) -> tuple[list[str], list[str]]:
    findings = judge(told, Recorded(*lines), TOTALS)
    return findings.lost.get(JOB.id, []), findings.doubled.get(JOB.id, [])


def test_a_good_run_has_no_findings() -> None:
    told = history(*WHOLE)
    assert found(told, *GOOD) == ([], [])
    assert judge(told, Recorded(*GOOD), TOTALS).is_view_right
    assert not told.late_decisions()


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        pytest.param((*GOOD, line("start")), "started 2 times", id="a second start"),
        pytest.param((*GOOD, line("start", 2)), "does not know it", id="an attempt of nobody"),
        pytest.param((line("overlap"), *GOOD), "beside another", id="a second live process"),
        pytest.param(
            (line("start"), line("start", 2), line("end")), "still spoke", id="interleaved attempts"
        ),
    ],
)
def test_what_ran_too_often_is_doubled(lines: tuple[Line, ...], part: str) -> None:
    _, doubled = found(history(*WHOLE), *lines)
    assert any(part in problem for problem in doubled)


@pytest.mark.parametrize(
    ("facts", "lines", "part"),
    [
        pytest.param(WHOLE[:-1], (line("start"),), "never reached an end", id="no end in the log"),
        pytest.param(WHOLE, (line("start"),), "no trace", id="an end that the file does not show"),
        pytest.param(WHOLE, (), "no trace", id="a run that the file does not show"),
    ],
)
def test_what_did_not_come_to_its_end_is_lost(
    facts: Any, lines: tuple[Line, ...], part: str
) -> None:
    lost, _ = found(history(*facts), *lines)
    assert any(part in problem for problem in lost)


def test_a_submission_that_became_two_jobs_is_doubled() -> None:
    twin = a_spec(2, name=JOB.name, queue="capped/all")
    _, doubled = found(history(*WHOLE, jobs.Submitted((twin,))), *GOOD)
    assert any("is 2 jobs" in problem for problem in doubled)


def test_use_above_a_quota_is_seen_wherever_in_the_log() -> None:
    quota = quotas.Set((Quota("capped", {"cpu": 600}),))
    told = history(*BEFORE, quota, SUBMITTED, PLACED, ENDED)
    assert told.over_quota == JOB.resources["cpu"] - 600
    assert told.drift == 0


def test_a_decision_behind_a_later_barrier_is_seen() -> None:
    told = history(*BEFORE, SUBMITTED, leader.Decided("b", "1"), PLACED)
    assert told.late_decisions() == [EPOCH + 3]


def test_counts_that_differ_from_the_log_are_seen() -> None:
    told, recorded = history(*WHOLE), Recorded(*GOOD)
    assert not judge(told, recorded, {"succeeded": 2}).is_view_right
    assert not judge(told, recorded, {}).is_view_right
