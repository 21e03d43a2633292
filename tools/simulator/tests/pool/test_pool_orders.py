"""What each order and estimate of the pool promises, on small machines worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.clock import DAY, SECOND
from evenflow.policy_engine.core import availability
from evenflow.simulator.pool import ORDERS, simulate_pool
from evenflow.simulator.trace import Trace, TraceJob

SLOTS = 8


def job(number, submit, run, width, limit=None, user="ann"):
    limit = run if limit is None else limit
    return TraceJob(str(number), submit * SECOND, run * SECOND, width, limit * SECOND, user)


def a_trace(*jobs):
    return Trace("test", SLOTS, [job(number, *each) for number, each in enumerate(jobs)])


def starts(schedule):
    return [start // SECOND for start in schedule.start_us]


@st.composite
def traces(draw):
    jobs = []
    for number in range(draw(st.integers(1, 25))):
        run = draw(st.integers(1, 60))
        jobs.append(
            job(
                number,
                draw(st.integers(0, 120)),
                run,
                draw(st.integers(1, SLOTS)),
                run + draw(st.integers(0, 60)),
                draw(st.sampled_from(["ann", "bob", ""])),
            )
        )
    return Trace("drawn", SLOTS, jobs)


def test_a_gap_goes_to_the_shortest_plan_first_when_asked():
    # At 50 two slots come free, and both wait for them behind the wide one.
    trace = a_trace((0, 100, 6), (0, 50, 2), (1, 9, 8), (2, 40, 2), (3, 30, 2))
    assert starts(simulate_pool(trace, order="fcfs"))[3:] == [50, 109]
    assert starts(simulate_pool(trace, order="shortest"))[3:] == [109, 50]


def test_conservative_delays_none_of_those_before():
    # EASY reserves for the first blocked one alone: the narrow one passes and delays the second.
    trace = a_trace((0, 100, 6), (1, 50, 7), (2, 50, 8), (3, 300, 1))
    assert starts(simulate_pool(trace, backfill="easy")) == [0, 100, 303, 3]
    assert starts(simulate_pool(trace, backfill="conservative")) == [0, 100, 150, 200]


def test_jobs_may_stand_in_a_log_in_any_order():
    assert starts(simulate_pool(a_trace((50, 10, 8), (0, 10, 8)))) == [50, 0]


def test_after_a_missed_plan_the_limit_stands():
    # Two runs of 10 s let the third be planned until 30; at 30 it still runs, until 60 at most.
    trace = a_trace(
        (0, 10, 8), (10, 10, 8), (20, 40, 6, 40), (21, 50, 8, 50), (31, 25, 2, 25, "bob")
    )
    assert starts(simulate_pool(trace, estimate="mean2")) == [0, 10, 20, 60, 31]


@given(traces())
def test_conservative_starts_nobody_later_than_without_backfill(trace):
    plain = simulate_pool(trace, backfill="none", estimate="perfect")
    filled = simulate_pool(trace, backfill="conservative", estimate="perfect")
    assert all(f <= p for f, p in zip(filled.start_us, plain.start_us, strict=True))


def test_the_most_urgent_of_best_is_who_waited_longest_for_what_it_needs():
    trace = a_trace((0, 1000, 8), (1, 5000, 8), (2, 60, 8))
    assert starts(simulate_pool(trace, order="best")) == [0, 1060, 1000]


def test_with_best_nobody_waits_for_more_than_a_week_behind_younger_ones():
    # A stream of short jobs that fills the machine, and a long one that is never the most urgent.
    hour, week = 3600, 7 * DAY // SECOND
    stream = [(n * hour // 4, hour // 4, 8) for n in range(10 * 24 * 4)]
    trace = a_trace(*stream, (1, 100 * hour, 8))
    waited = starts(simulate_pool(trace, order="best"))[-1] - 1
    assert week <= waited <= week + hour


@pytest.mark.parametrize("way", ["easy", "conservative"])
@pytest.mark.parametrize("order", ORDERS)
def test_an_entry_point_that_never_backfills_lets_nobody_pass(way, order, monkeypatch):
    """The test of tests: it fails where a pool does not ask the core who may fill a gap."""
    trace = a_trace((0, 100, 6), (1, 5, 8), (2, 20, 2))
    assert starts(simulate_pool(trace, backfill=way, order=order))[2] == 2
    monkeypatch.setattr(availability, "may_backfill", lambda *_: False)
    assert starts(simulate_pool(trace, backfill=way, order=order))[2] >= 100


def test_progress_is_told_of_many_events():
    told = []
    trace = a_trace(*((n, 1, 1) for n in range(5000)))
    simulate_pool(trace, progress=lambda done, of: told.append((done, of)))
    assert told
    assert all(done <= of == 10_000 for done, of in told)
