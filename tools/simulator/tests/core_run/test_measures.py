"""The figures of a schedule, worked out by hand."""

from collections import Counter

import pytest

from evenflow.simulator.measures import measure
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.trace import Trace, TraceJob

S = 1_000_000


def a_schedule(*jobs: tuple[int, int, int, int], slots: int = 10) -> Schedule:
    """Each job as submission, start, end, width; in seconds."""
    trace = Trace(
        "t",
        slots,
        [
            TraceJob(str(i), sub * S, max(end - start, 1) * S, width)
            for i, (sub, start, end, width) in enumerate(jobs)
        ],
        Counter({"no run time": 2}),
    )
    starts, ends = [j[1] * S for j in jobs], [j[2] * S for j in jobs]
    return Schedule(trace, "by hand", starts, ends, events=2 * len(jobs), wall_seconds=0.5)


def test_waits_slowdowns_and_utilisation_are_those_of_the_literature():
    found = measure(a_schedule((0, 0, 100, 5), (0, 100, 105, 10), (10, 30, 40, 1)))
    assert found.mean_wait_seconds == pytest.approx((0 + 100 + 20) / 3)
    assert found.mean_bounded_slowdown == pytest.approx((1 + 105 / 10 + 30 / 10) / 3)
    assert found.max_bounded_slowdown == pytest.approx(10.5)
    assert found.mean_response_seconds == pytest.approx((100 + 105 + 30) / 3)
    assert found.utilisation_ratio == pytest.approx((500 + 50 + 10) / (10 * 105))
    assert (found.jobs, found.events_per_second, found.skipped) == (3, 12.0, {"no run time": 2})


def test_the_widest_tenth_is_one_job_of_ten_and_the_first_of_equal_ones():
    jobs = [(0, i, i + 10, 2) for i in range(9)]
    assert measure(a_schedule(*jobs, (0, 77, 80, 8))).mean_wait_seconds_widest_tenth == 77
    assert measure(a_schedule(*jobs, (0, 77, 80, 2))).mean_wait_seconds_widest_tenth == 0


def test_jobs_that_never_started_are_counted_apart():
    schedule = a_schedule((0, 5, 10, 1), (0, 0, 10, 1))
    schedule.start_us[1] = schedule.end_us[1] = -1
    found = measure(schedule)
    assert (found.never_started, found.mean_wait_seconds) == (1, 5)


def test_no_job_that_started_gives_zeros_and_no_division_by_zero():
    schedule = a_schedule((0, 0, 10, 1))
    schedule.start_us[0] = schedule.end_us[0] = -1
    found = measure(schedule)
    assert (found.mean_bounded_slowdown, found.utilisation_ratio, found.never_started) == (0, 0, 1)


def test_without_users_the_document_has_no_share_error():
    assert "share_error" not in measure(a_schedule((0, 0, 10, 1))).document()
