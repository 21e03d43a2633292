"""Every fault in the middle of a load of 2,000 jobs, as many rounds as the variable ROUNDS says."""

import os

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.machine_faults import SHORT
from tests.chaos.rounds import TWICE, Report, run_rounds

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(0)]

TRIED = (*FAULTS, *SHORT)
NAMES = [*(fault.name for fault in TRIED), TWICE]


@pytest.fixture(scope="module")
def report() -> Report:
    report = run_rounds(int(os.environ.get("ROUNDS") or 1), faults=TRIED)
    print("", *report.table(), sep="\n")
    return report


@pytest.mark.parametrize("fault", NAMES)
def test_nothing_is_lost(report: Report, fault: str) -> None:
    assert report.rows[fault].jobs
    assert not report.rows[fault].lost


@pytest.mark.parametrize("fault", NAMES)
def test_nothing_runs_twice_or_beside_itself(report: Report, fault: str) -> None:
    assert not report.rows[fault].doubled


def test_nothing_ran_that_was_not_submitted(report: Report) -> None:
    assert set(report.rows) == set(NAMES)


def test_quotas_hold_at_every_position_of_the_log(report: Report) -> None:
    assert {row.quota_error for row in report.rows.values()} == {0}


def test_no_decision_of_a_deposed_leader_is_in_the_log(report: Report) -> None:
    assert report.late_decisions == 0


def test_the_view_counts_what_the_log_says(report: Report) -> None:
    assert report.is_view_right


def test_no_service_crashes_for_what_happens_to_another(report: Report) -> None:
    assert not report.crashes


def test_all_came_back_by_itself(report: Report) -> None:
    assert [row.stuck for row in report.rows.values() if row.stuck] == []
