from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.quotas.quota import Quota
from evenflow.simulator.core_run.machine import Machine, machine_of
from evenflow.simulator.core_run.simulate import run_core
from evenflow.simulator.trace import Trace, TraceJob

SLOTS = 6
QUIET = SchedulerSettings(reclaim=False, preempt=False)
CHOICES = [
    pytest.param(policy, backfill, id=f"{policy}, backfill {backfill}")
    for policy in ("fifo", "fairshare", "multifactor")
    for backfill in ("off", "easy", "conservative")
]


@st.composite
def traces(draw, most=14):
    jobs = []
    for number in range(draw(st.integers(1, most))):
        run = draw(st.integers(1, 9000))
        jobs.append(
            TraceJob(
                f"j{number}",
                draw(st.integers(0, 20_000)) * SECOND,
                run * SECOND,
                draw(st.integers(1, SLOTS)),
                limit_us=run * draw(st.sampled_from([1, 2, 10])) * SECOND,
                user=draw(st.sampled_from(["ann", "bob", "cleo"])),
            )
        )
    return Trace("drawn", SLOTS, jobs, gpus_per_slot=1)


def by(policy, backfill):
    return replace(QUIET, policy=policy, backfill=backfill)


@pytest.mark.parametrize(("policy", "backfill"), CHOICES)
@given(trace=traces())
@settings(deadline=None, max_examples=25)
def test_every_job_runs_once_after_its_submission_and_for_as_long_as_it_runs(
    policy, backfill, trace
):
    run = run_core(trace, by(policy, backfill))
    schedule = run.schedule
    for job, start, end in zip(trace.jobs, schedule.start_us, schedule.end_us, strict=True):
        assert start >= job.submit_us
        assert end - start == job.run_us
    assert [len(job.attempts) for job in run.outcome.jobs.values()] == [1] * len(trace.jobs)
    assert schedule.events == 2 * len(trace.jobs)


@pytest.mark.parametrize(("policy", "backfill"), CHOICES)
@given(trace=traces())
@settings(deadline=None, max_examples=25)
def test_the_machine_never_holds_more_than_it_has(policy, backfill, trace):
    schedule = run_core(trace, by(policy, backfill)).schedule
    for now in schedule.start_us:
        held = sum(
            job.width
            for job, start, end in zip(trace.jobs, schedule.start_us, schedule.end_us, strict=True)
            if start <= now < end
        )
        assert held <= SLOTS


@pytest.mark.parametrize(("policy", "backfill"), CHOICES)
@given(trace=traces(), most=st.integers(1, SLOTS - 1))
@settings(deadline=None, max_examples=20)
def test_a_quota_is_never_exceeded(policy, backfill, trace, most):
    made = machine_of(trace)
    quota = Quota("default", {"gpu": most * 1000})
    machine = Machine(made.nodes, made.queues, made.specs, [quota])
    schedule = run_core(trace, by(policy, backfill), machine=machine).schedule
    for now in schedule.start_us:
        held = sum(
            job.width
            for job, start, end in zip(trace.jobs, schedule.start_us, schedule.end_us, strict=True)
            if 0 <= start <= now < end
        )
        assert held <= most
    for job, start in zip(trace.jobs, schedule.start_us, strict=True):
        assert (start < 0) == (job.width > most)


@pytest.mark.parametrize(("policy", "backfill"), CHOICES)
@given(trace=traces())
@settings(deadline=None, max_examples=15)
def test_the_same_trace_is_decided_alike_twice_byte_for_byte(policy, backfill, trace):
    first = run_core(trace, by(policy, backfill), is_recorded=True)
    again = run_core(trace, by(policy, backfill), is_recorded=True)
    assert first.outcome.decided == again.outcome.decided
    assert first.schedule.start_us == again.schedule.start_us


@pytest.mark.parametrize(("policy", "backfill"), CHOICES)
@given(trace=traces(), chance=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=15)
def test_the_order_of_lines_does_not_matter_where_times_differ(policy, backfill, trace, chance):
    jobs = list({job.submit_us: job for job in trace.jobs}.values())
    shuffled = jobs[:]
    chance.shuffle(shuffled)
    one, other = (
        run_core(Trace("t", SLOTS, some, gpus_per_slot=1), by(policy, backfill)).schedule
        for some in (jobs, shuffled)
    )
    starts = {job.job_id: start for job, start in zip(jobs, one.start_us, strict=True)}
    again = {job.job_id: start for job, start in zip(shuffled, other.start_us, strict=True)}
    assert starts == again


@pytest.mark.parametrize(("policy", "backfill"), CHOICES)
@given(trace=traces(), cut=st.integers(0, 40_000), data=st.data())
@settings(deadline=None, max_examples=25)
def test_run_times_of_what_ends_after_an_instant_change_no_decision_before_it(
    policy, backfill, trace, cut, data
):
    """Nobody knows the future: the schedule up to `cut` is the same whatever comes after."""
    before = run_core(trace, by(policy, backfill)).schedule
    jobs, at = [], cut * SECOND
    for index, job in enumerate(trace.jobs):
        # A job that has not ended by then may run for longer or shorter, but ends after it.
        start, end = before.start_us[index], before.end_us[index]
        if end > at:
            least = max(1, at - start + 1)
            most = max(least, job.limit_us or least)
            job = replace(job, run_us=data.draw(st.integers(least, most)))  # noqa: PLW2901
        jobs.append(job)
    after = run_core(Trace("other", SLOTS, jobs, gpus_per_slot=1), by(policy, backfill)).schedule
    assert [s if s <= at else None for s in before.start_us] == [
        s if s <= at else None for s in after.start_us
    ]


@st.composite
def contested(draw):
    """Jobs of two projects, one of which may come back for what it deserves."""
    trace = draw(traces())
    return replace_queues(trace, [draw(st.sampled_from(["a/x", "b/x"])) for _ in trace.jobs])


def replace_queues(trace, queues):
    jobs = [replace(job, queue=queue) for job, queue in zip(trace.jobs, queues, strict=True)]
    return Trace(trace.name, trace.slots, jobs, gpus_per_slot=1)


@given(trace=contested())
@settings(deadline=None, max_examples=60)
def test_who_is_stopped_runs_again_from_the_beginning_until_it_ends_once(trace):
    made = machine_of(trace)
    queues = [
        replace(queue, deserved={"gpu": 3000}) if queue.path in {"a", "b"} else queue
        for queue in made.queues
    ]
    machine = Machine(made.nodes, queues, made.specs)
    run = run_core(trace, SchedulerSettings(policy="fairshare"), machine=machine)
    attempts = [
        (attempt.start, attempt.end, job.spec.tasks)
        for job in run.outcome.jobs.values()
        for attempt in job.attempts
    ]
    for job, found in zip(trace.jobs, sorted_by_id(run.outcome.jobs), strict=True):
        *stopped, last = found.attempts
        assert last.end - last.start == job.run_us
        assert found.ended_at == last.end
        assert all(attempt.end - attempt.start < job.run_us for attempt in stopped)
    for now, _, _ in attempts:
        held = [width for start, end, width in attempts if start <= now < (end or 0)]
        assert sum(held) <= SLOTS
    assert run.outcome.evictions == len(attempts) - len(trace.jobs)


def sorted_by_id(jobs):
    return [jobs[job_id] for job_id in sorted(jobs)]
