from hypothesis import given
from hypothesis import strategies as st

from evenflow.policy_engine.core.availability import (
    FOREVER,
    Profile,
    Shadow,
    may_backfill,
    shadow_of,
)

JOBS = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 20)), max_size=12)
ENDS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=8).map(sorted)


def test_a_shadow_is_the_first_instant_with_room_and_what_is_left_then():
    assert shadow_of([(10, 2), (20, 3), (30, 1)], 1, 5, 0) == Shadow(20, 1)


def test_all_ends_of_one_instant_count_before_the_rest_is_told():
    assert shadow_of([(10, 2), (10, 3), (11, 9)], 0, 2, 0) == Shadow(10, 3)


def test_overdue_ends_are_now():
    assert shadow_of([(3, 2), (4, 1), (12, 9)], 0, 2, 10) == Shadow(10, 1)


def test_there_is_no_shadow_without_enough_slots():
    assert shadow_of([(10, 2)], 1, 4, 0) is None


def test_ends_are_read_no_further_than_the_answer_needs():
    def ends():
        yield 10, 4
        yield 20, 1
        raise AssertionError("read too far")

    assert shadow_of(ends(), 0, 3, 0) == Shadow(10, 1)


def test_a_job_fills_a_gap_when_it_is_gone_in_time_or_fits_beside():
    shadow = Shadow(100, 2)
    assert may_backfill(shadow, 100, 8)
    assert may_backfill(shadow, 500, 2)
    assert not may_backfill(shadow, 101, 3)


def test_a_window_is_found_between_two_others():
    profile = Profile(0, 4)
    profile.take(0, 10, 3)
    profile.take(20, 30, 3)
    assert profile.earliest(2, 10) == 10
    assert profile.earliest(2, 11) == 30
    assert profile.earliest(1, 100) == 0
    assert profile.earliest(5, 1) is None
    assert profile.earliest(2, 5, not_before=12) == 12


def test_what_is_free_lasts_until_something_is_taken():
    profile = Profile(0, 4, [(5, 2)])
    profile.take(20, FOREVER, 5)
    assert profile.lasts(4, 0) == 20
    assert profile.lasts(1, 0) == FOREVER
    assert profile.lasts(5, 0) == 0
    assert profile.steps() == [(0, 4), (5, 6), (20, 1)]


def test_what_is_taken_without_end_never_comes_back():
    profile = Profile(0, 2)
    profile.take(5, FOREVER, 1)
    assert profile.earliest(2, 6) is None
    assert profile.earliest(2, 5) == 0


def level(taken, ends, free, at):
    gained = sum(slots for end, slots in ends if end <= at)
    return free + gained - sum(slots for start, end, slots in taken if start <= at < end)


@given(JOBS, ENDS, st.integers(0, 8))
def test_each_window_is_the_earliest_and_no_slot_is_given_twice(jobs, ends, free):
    profile, taken = Profile(0, free, ends), []
    for slots, duration in jobs:
        start = profile.earliest(slots, duration)
        possible = next(
            (
                at
                for at in range(300)
                if all(level(taken, ends, free, at + later) >= slots for later in range(duration))
            ),
            None,
        )
        assert start == possible
        if start is not None:
            profile.take(start, start + duration, slots)
            taken.append((start, start + duration, slots))
    assert all(profile.free_at(at) == level(taken, ends, free, at) for at in range(300))
    assert all(profile.free_at(at) >= 0 for at in range(300))
