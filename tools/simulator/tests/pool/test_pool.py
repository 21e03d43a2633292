"""The pool simulator: EASY and conservative backfill, by hand, by a naive twin, by promises."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.errors import InvalidValue
from evenflow.policy_engine.core import availability
from evenflow.simulator.core_run.simulate import simulate_core
from evenflow.simulator.pool import simulate_pool
from evenflow.simulator.trace import Trace, TraceJob

S = 1_000_000


def a_trace(seed: int, jobs: int = 30) -> Trace:
    """Return a trace with many equal instants, some limits that are exact and some that are not."""
    rng = random.Random(seed)
    slots, now = rng.choice((4, 8, 16)), 0
    found = []
    for number in range(jobs):
        now += rng.choice((0, 0, 5, 20, 60))
        run = rng.choice((10, 30, 60, 120))
        limit = run if rng.random() < 0.3 else run + rng.choice((0, 10, 60))
        width, user = rng.randint(1, slots), rng.choice(("ann", "bob"))
        found.append(
            TraceJob(str(number), now * S, run * S, width, limit * S, user, command=f"c{run}")
        )
    return Trace(f"random {seed}", slots, found)


seeds = st.integers(0, 10**9)
WAYS = [
    (mode, order, estimate)
    for mode in ("none", "easy", "conservative")
    for order in ("fcfs", "shortest", "best")
    for estimate in ("limit", "mean2", "learned")
    if mode == "easy" or order != "shortest"
]


def by_hand(*jobs: tuple[int, int, int, int], slots: int = 10) -> Trace:
    """Each job as submission, run, width, limit; in seconds."""
    return Trace(
        "by hand",
        slots,
        [TraceJob(str(i), a * S, r * S, w, lim * S) for i, (a, r, w, lim) in enumerate(jobs)],
    )


def starts(trace: Trace, **how: str) -> list[int]:
    wanted = {"backfill": "easy", "order": "fcfs", "estimate": "limit"} | how
    found = simulate_pool(
        trace, backfill=wanted["backfill"], order=wanted["order"], estimate=wanted["estimate"]
    )
    return [start // S for start in found.start_us]


WIDE_BEHIND_RUNNING = ((0, 100, 6, 100), (1, 50, 10, 50), (2, 90, 4, 98), (3, 90, 4, 99))


def test_easy_lets_pass_what_ends_before_the_reservation_and_no_more():
    assert starts(by_hand(*WIDE_BEHIND_RUNNING)) == [0, 100, 2, 150]


def test_without_backfill_nobody_passes():
    assert starts(by_hand(*WIDE_BEHIND_RUNNING), backfill="none") == [0, 100, 150, 150]


def test_the_reservation_leaves_to_others_what_it_does_not_need():
    trace = by_hand((0, 100, 6, 100), (1, 50, 8, 50), (2, 500, 2, 500), (3, 500, 2, 500))
    assert starts(trace) == [0, 100, 2, 150]


def test_conservative_backfill_delays_no_waiting_job():
    jobs = ((0, 100, 6, 100), (1, 100, 8, 100), (2, 100, 10, 100), (3, 500, 2, 500))
    assert starts(by_hand(*jobs)) == [0, 100, 503, 3]
    assert starts(by_hand(*jobs), backfill="conservative") == [0, 100, 200, 300]


def test_shortest_first_fills_a_gap_with_the_shortest():
    jobs = ((0, 100, 6, 100), (1, 50, 10, 50), (2, 60, 4, 60), (2, 20, 4, 20))
    assert starts(by_hand(*jobs), order="shortest") == [0, 100, 22, 2]


def test_ends_come_before_submissions_of_the_same_instant():
    assert starts(by_hand((0, 10, 10, 10), (10, 5, 10, 5))) == [0, 10]


@given(seeds)
@hypothesis_settings(max_examples=60, deadline=None)
def test_the_pool_starts_jobs_when_a_naive_scheduler_does(seed):
    trace = a_trace(seed)
    for order in ("fcfs", "shortest"):
        assert simulate_pool(trace, order=order).start_us == naive(trace, order)
    plain = simulate_pool(trace, backfill="none").start_us
    assert plain == naive(trace, "nobody passes")


def naive(trace: Trace, order: str) -> list[int]:
    """EASY, or no backfill, as it is told: everything is looked at anew at each instant."""
    jobs, start = trace.jobs, [-1] * len(trace.jobs)
    instants = sorted({job.submit_us for job in jobs})
    while instants:
        now = instants.pop(0)
        ended = {i for i, at in enumerate(start) if at >= 0 and at + jobs[i].run_us <= now}
        running = [i for i, at in enumerate(start) if at >= 0 and i not in ended]
        waiting = [i for i, job in enumerate(jobs) if start[i] < 0 and job.submit_us <= now]
        for i in naive_pass(trace, order, now, running, waiting, start):
            start[i] = now
            instants = sorted({*instants, now + jobs[i].run_us})
    return start


def naive_pass(trace, order, now, running, waiting, start):
    jobs, begun = trace.jobs, []
    ends = [(start[i] + jobs[i].limit_us, jobs[i].width) for i in running]
    free = trace.slots - sum(width for _, width in ends)
    while waiting and jobs[waiting[0]].width <= free:
        begun.append(waiting.pop(0))
        free -= jobs[begun[-1]].width
        ends.append((now + jobs[begun[-1]].limit_us, jobs[begun[-1]].width))
    if not waiting or order == "nobody passes":
        return begun
    head, *others = waiting
    instants = sorted({at for at, _ in ends})
    for at in instants:
        there = free + sum(width for end, width in ends if end <= at)
        if there >= jobs[head].width:
            break
    extra = there - jobs[head].width
    if order == "shortest":
        others.sort(key=lambda i: (jobs[i].limit_us, i))
    for i in others:
        job = jobs[i]
        if job.width > free:
            continue
        if now + job.limit_us > at:
            if job.width > extra:
                continue
            extra -= job.width
        free -= job.width
        begun.append(i)
    return begun


@given(seeds)
@hypothesis_settings(max_examples=60, deadline=None)
def test_conservative_starts_each_job_at_its_first_reservation_when_limits_are_exact(seed):
    drawn = a_trace(seed)
    exact = [replace(job, limit_us=job.run_us) for job in drawn.jobs]
    trace = Trace(drawn.name, drawn.slots, exact)
    found = simulate_pool(trace, backfill="conservative")
    assert found.start_us == first_reservations(trace)


def first_reservations(trace: Trace) -> list[int]:
    """Give each job in turn the earliest window that those before it leave, slot by slot."""
    given_us: list[tuple[int, int, int]] = []
    for job in trace.jobs:
        for at in sorted({job.submit_us, *(end for _, end, _ in given_us)}):
            end = at + job.run_us
            instants = {at, *(start for start, _, _ in given_us if at < start < end)}
            if at >= job.submit_us and all(
                job.width + sum(w for start, stop, w in given_us if start <= instant < stop)
                <= trace.slots
                for instant in instants
            ):
                given_us.append((at, end, job.width))
                break
    return [start for start, _, _ in given_us]


@given(seeds, st.sampled_from(WAYS))
@hypothesis_settings(max_examples=120, deadline=None)
def test_every_job_runs_once_and_the_machine_is_never_overfull(seed, way):
    trace = a_trace(seed)
    mode, order, estimate = way
    schedule = simulate_pool(trace, backfill=mode, order=order, estimate=estimate)
    for job, start, end in zip(trace.jobs, schedule.start_us, schedule.end_us, strict=True):
        assert start >= job.submit_us
        assert end == start + job.run_us
    for at in schedule.start_us:
        held = [
            job.width
            for job, start, end in zip(trace.jobs, schedule.start_us, schedule.end_us, strict=True)
            if start <= at < end
        ]
        assert sum(held) <= trace.slots


@given(seeds, st.sampled_from(WAYS), st.integers(0, 800))
@hypothesis_settings(max_examples=150, deadline=None)
def test_run_times_of_what_ends_later_change_no_decision_before(seed, way, second):
    trace = a_trace(seed)
    mode, order, estimate = way
    found = simulate_pool(trace, backfill=mode, order=order, estimate=estimate)
    now, rng = second * S, random.Random(seed)
    others = []
    for job, start, end in zip(trace.jobs, found.start_us, found.end_us, strict=True):
        if end > now:  # anything that still ends later, within the limit: longer or shorter
            least = max(1, now + 1 - start)
            others.append(replace(job, run_us=rng.randint(least, job.limit_us or least)))
        else:
            others.append(job)
    other = Trace(trace.name, trace.slots, others)
    again = simulate_pool(other, backfill=mode, order=order, estimate=estimate)
    before = [start if start <= now else None for start in found.start_us]
    assert [start if start <= now else None for start in again.start_us] == before


def test_perfect_estimates_do_look_ahead_so_the_property_above_can_fail():
    short, long = ((0, 50, 8, 100), (1, 50, 10, 50), (2, 60, 2, 60)), 100
    changed = ((*short[0][:1], long, *short[0][2:]), *short[1:])
    assert starts(by_hand(*short), estimate="perfect")[2] == 100
    assert starts(by_hand(*changed), estimate="perfect")[2] == 2


@given(seeds)
@hypothesis_settings(max_examples=25, deadline=None)
def test_the_pool_and_the_whole_core_make_the_same_schedule(seed):
    trace = a_trace(seed)
    for mode in ("none", "easy", "conservative"):
        whole = simulate_core(trace, policy="fifo", backfill=mode, estimate="limit")
        assert simulate_pool(trace, backfill=mode).start_us == whole.start_us


@given(seeds)
@hypothesis_settings(max_examples=15, deadline=None)
def test_no_job_is_delayed_by_a_later_one_where_the_core_gives_windows(seed):
    """With exact limits; an early end may be of more use to one of several."""
    trace = a_trace(seed, 15)
    exact = [replace(job, limit_us=job.run_us) for job in trace.jobs]

    def starts_of(jobs: list[TraceJob]) -> list[int]:
        part = Trace("part", trace.slots, jobs)
        return simulate_core(
            part, policy="fifo", backfill="conservative", estimate="limit"
        ).start_us

    every = starts_of(exact)
    for known in (4, 8, 12):
        alone = starts_of(exact[:known])
        assert [start for start, before in zip(every, alone, strict=False) if start > before] == []


@given(seeds, st.sampled_from(WAYS))
@hypothesis_settings(max_examples=30, deadline=None)
def test_each_simulation_begins_knowing_nothing(seed, way):
    trace = a_trace(seed)
    mode, order, estimate = way
    one, two = (
        simulate_pool(trace, backfill=mode, order=order, estimate=estimate) for _ in range(2)
    )
    assert one.start_us == two.start_us


def test_the_entry_point_of_backfill_decides_for_the_simulator(monkeypatch):
    monkeypatch.setattr(availability, "may_backfill", lambda *_: False)
    assert starts(by_hand(*WIDE_BEHIND_RUNNING)) == [0, 100, 150, 150]


@pytest.mark.parametrize(
    ("how", "field"),
    [({"backfill": "often"}, "backfill"), ({"order": "x"}, "backfill_order"),
     ({"estimate": "hope"}, "estimate")],
)  # fmt: skip
def test_an_unknown_way_is_refused_by_name(how, field):
    with pytest.raises(InvalidValue, match=field):
        simulate_pool(by_hand((0, 1, 1, 1)), **how)
