import pytest

from evenflow.common.domain.clock import DAY, HOUR
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.shares import (
    holdings_of,
    hours_of_shares,
    share_error,
    share_error_of_waiting,
)
from evenflow.simulator.trace import Trace, TraceJob


def a_schedule(*jobs):
    """Jobs as (user, submit, start, end, width), in hours; start None: it never began."""
    made = [
        TraceJob(str(n), int(submit * HOUR), HOUR, width, user=user)
        for n, (user, submit, _, _, width) in enumerate(jobs)
    ]
    return Schedule(
        Trace("tiny", 8, made),
        "by hand",
        [-1 if start is None else int(start * HOUR) for _, _, start, _, _ in jobs],
        [-1 if end is None else int(end * HOUR) for _, _, _, end, _ in jobs],
    )


def hours_of(schedule, **given):
    held = holdings_of(schedule)
    assert held is not None
    return list(hours_of_shares(held, **given))


def test_two_users_of_whom_one_holds_three_quarters_err_by_a_quarter():
    schedule = a_schedule(("ann", 0, 0, 1, 3), ("bob", 0, 0, 1, 1))
    # At hour 0 nobody has used anything; at hour 1 both are gone.
    assert [hour.error for hour in hours_of(schedule)] == [0.0]
    longer = a_schedule(("ann", 0, 0, 2, 3), ("bob", 0, 0, 2, 1))
    assert [hour.error for hour in hours_of(longer)] == [0.0, 0.25]
    assert share_error(longer) == pytest.approx(0.125)


def test_usage_counts_half_when_it_is_two_days_old():
    # ann holds a slot for the first hour, bob the same 48 hours later; both wait all the time.
    schedule = a_schedule(
        ("ann", 0, 0, 1, 1), ("bob", 0, 48, 49, 1), ("ann", 0, 60, 61, 1), ("bob", 0, 60, 61, 1)
    )
    at_49 = next(h for h in hours_of(schedule) if h.at_us == 49 * HOUR)
    assert at_49.share.tolist() == pytest.approx([1 / 3, 2 / 3])
    assert at_49.error == pytest.approx(1 / 6)


def test_usage_is_integrated_exactly_over_parts_of_hours():
    schedule = a_schedule(("ann", 0, 0.25, 0.75, 2), ("bob", 0, 0.5, 1.5, 1), ("ann", 0, 9, 10, 1))
    at_1 = next(h for h in hours_of(schedule) if h.at_us == HOUR)
    fade = 2 ** (-1 / 48)
    ann = 2 * (fade**0.25 - fade**0.75)
    bob = 1 - fade**0.5
    assert at_1.share.tolist() == pytest.approx([ann / (ann + bob), bob / (ann + bob)])


def test_only_users_with_a_job_are_looked_at_and_hours_without_any_do_not_count():
    schedule = a_schedule(("ann", 0, 0, 2.5, 4), ("bob", 100, 100, 101.5, 1))
    hours = hours_of(schedule)
    assert [hour.at_us // HOUR for hour in hours] == [0, 1, 2, 100, 101]
    assert [len(hour.active) for hour in hours] == [1] * 5
    assert share_error(schedule) == 0.0


def test_who_waits_and_gets_nothing_is_short_of_a_whole_share():
    schedule = a_schedule(("ann", 0, 0, 3, 1), ("bob", 0, None, None, 1))
    # At hour 3 only bob is left, and has nobody to be compared with.
    assert [hour.error for hour in hours_of(schedule)] == [0, 0.5, 0.5, 0]


def test_a_log_without_users_has_no_share_error():
    assert share_error(a_schedule(("", 0, 0, 1, 1))) is None


def test_among_those_who_wait_the_rest_does_not_count():
    # dan runs and wants no more; ann and bob want more, and ann has had three times as much.
    schedule = a_schedule(
        ("dan", 0, 0, 9, 4),
        ("ann", 0, 0, 9, 3),
        ("bob", 0, 0, 9, 1),
        ("ann", 0, 9, 10, 1),
        ("bob", 0, 9, 10, 1),
    )
    hours = hours_of(schedule)
    assert [hour.error_of_waiting for hour in hours[1:9]] == [pytest.approx(0.25)] * 8
    assert hours[9].error_of_waiting is None
    assert share_error_of_waiting(schedule) == pytest.approx(0.25 * 8 / 9)


def test_jobs_of_nobody_take_no_part():
    with_nobody = a_schedule(("ann", 0, 0, 2, 3), ("bob", 0, 0, 2, 1), ("", 0, 0, 2, 4))
    assert share_error(with_nobody) == pytest.approx(0.125)


def test_another_half_life_weighs_the_past_otherwise():
    schedule = a_schedule(
        ("ann", 0, 0, 1, 1), ("bob", 0, 1, 2, 1), ("ann", 0, 5, 6, 1), ("bob", 0, 5, 6, 1)
    )
    short = [h.share[0] for h in hours_of(schedule, half_life_us=HOUR) if h.at_us == 2 * HOUR]
    long = [h.share[0] for h in hours_of(schedule, half_life_us=900 * DAY) if h.at_us == 2 * HOUR]
    assert short == [pytest.approx(1 / 3)]
    assert long == [pytest.approx(1 / 2, abs=1e-4)]
