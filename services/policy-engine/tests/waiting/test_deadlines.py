"""Deadlines order a queue, and jobs that waited past its target go first in it (BEY-16)."""

from typing import Any

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import jobs, queues
from evenflow.common.domain.jobs.job import JobSpec
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.testing.builders import HOUR, T0, Shard, a_node, a_queue, a_spec, jobs_of
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.explain.explain import explain
from evenflow.policy_engine.core.ordering.policies import BUILT_IN, DEADLINE
from evenflow.policy_engine.deadlines import Deadlines
from tests.fleets.fleet import Fleet

MINUTE = HOUR // 60


class OneByOne(Fleet):
    """One place to run, so that who starts next is one."""

    def __init__(self, *of: Queue | str, **chosen: Any) -> None:
        super().__init__(*of, nodes=[a_node("n1", cpu=1000)], backfill="off", **chosen)

    def submit(self, at: int = T0, queue: str = "a/q", **fields: Any) -> JobSpec:
        self.now = at
        return self.submit_job(submitted_at=at, queue=queue, **fields)

    def next(self, at: int) -> str:
        """Decide, let the one that starts end at once, and return its id."""
        self.now = at
        (placed,) = self.decide().placements
        self.end(self.shard.state.jobs[placed.job_id].spec)
        return placed.job_id


def test_who_must_start_first_goes_first_and_those_without_a_deadline_last():
    world = OneByOne("a/q", policy="deadline", expected_duration_us=HOUR)
    never = world.submit()
    late = world.submit(deadline_at=T0 + 10 * HOUR)
    long = world.submit(deadline_at=T0 + 9 * HOUR, time_limit_us=8 * HOUR)
    estimated = world.submit(deadline_at=T0 + 8 * HOUR, estimated_duration_us=5 * HOUR)
    assert DEADLINE is BUILT_IN["deadline"]
    order = [world.next(T0 + MINUTE) for _ in range(4)]
    assert order == [long.id, estimated.id, late.id, never.id]


def test_why_says_whose_deadline_comes_first():
    world = OneByOne("a/q", policy="deadline")
    mine = world.submit()
    other = world.submit(deadline_at=T0 + 2 * HOUR, time_limit_us=HOUR)
    found = explain(world.engine, mine.id, T0)
    assert [ahead.id for ahead in found.first] == [other.id]
    because = found.first[0].because
    assert because.basis == "must start earlier for its deadline"
    assert (because.theirs, because.mine) == (T0 + HOUR, None)


@pytest.mark.parametrize("policy", sorted(BUILT_IN))
def test_who_waited_past_the_target_goes_first_whatever_the_policy(policy):
    world = OneByOne(a_queue("a/q", target_wait_us=HOUR), policy=policy)
    old = world.submit(priority=0, estimated_duration_us=9 * HOUR, user="ann")
    young = [
        world.submit(T0 + MINUTE, priority=90, estimated_duration_us=MINUTE, user="bob",
                     deadline_at=T0 + 5 * HOUR)
        for _ in range(3)
    ]  # fmt: skip
    assert world.engine.next_wake() == T0 + HOUR
    if policy in ("priority", "shortest-first", "deadline"):
        assert world.next(T0 + 2 * MINUTE) == young.pop(0).id
    assert world.engine.waiting.targets.late_in("a/q") == 0
    assert world.next(T0 + HOUR) == old.id


def test_late_ones_go_as_they_came_and_are_counted():
    world = OneByOne(a_queue("a/q", target_wait_us=HOUR), policy="priority")
    first = world.submit(priority=1)
    second = world.submit(T0 + MINUTE, priority=50)
    third = world.submit(T0 + HOUR, priority=99)
    at = T0 + HOUR + MINUTE
    assert world.next(at) == first.id
    assert world.engine.waiting.targets.late_in("a/q") == 1
    assert [world.next(at), world.next(at)] == [second.id, third.id]
    assert world.engine.waiting.targets.late_in("a/q") == 0


def test_why_says_that_another_waited_too_long():
    world = OneByOne(a_queue("a/q", target_wait_us=HOUR), policy="priority")
    old = world.submit()
    mine = world.submit(T0 + HOUR, priority=9)
    run_cycle(world.engine, SchedulerSettings(max_placements=0), T0 + HOUR)
    found = explain(world.engine, mine.id, T0 + HOUR)
    assert [(ahead.id, ahead.because.basis) for ahead in found.first] == [
        (old.id, "it has waited past its queue's target")
    ]


def test_the_target_of_a_queue_above_holds_and_a_new_one_holds_at_once():
    world = OneByOne(a_queue("a", target_wait_us=2 * HOUR), "a/q", policy="priority")
    old = world.submit()
    young = world.submit(T0 + MINUTE, priority=9)
    assert world.engine.next_wake() == T0 + 2 * HOUR
    known = world.shard.state.queues["a/q"]
    changed = a_queue("a/q", id=known.id, target_wait_us=MINUTE * 30)
    world.now = T0 + MINUTE
    world.tell(queues.Defined((changed,)))
    assert world.engine.next_wake() == T0 + 30 * MINUTE
    assert world.next(T0 + 30 * MINUTE) == old.id
    assert world.next(T0 + 30 * MINUTE) == young.id


def test_without_a_target_nobody_wakes_up_for_it():
    world = OneByOne("a/q")
    world.submit()
    assert world.engine.next_wake() is None


def test_deadlines_are_missed_by_what_has_not_ended_when_they_pass():
    shard = Shard().with_queues("a/q")
    missed = Deadlines()
    in_time, late, none = (
        a_spec(1, queue="a/q", deadline_at=T0 + HOUR),
        a_spec(2, queue="a/q", deadline_at=T0 + HOUR),
        a_spec(3, queue="a/q"),
    )
    missed.accept(jobs_of(shard.tell(jobs.Submitted((in_time, late, none)))))
    cancelled = jobs.CancelRequested((jobs.CancelRequest(in_time.id, "ann"),))
    missed.forget_ended(jobs_of(shard.tell(cancelled, at=T0 + MINUTE)))
    assert missed.take_missed(T0 + HOUR - 1) == []
    assert missed.take_missed(T0 + HOUR) == ["a/q"]
    assert missed.take_missed(T0 + 9 * HOUR) == []
    missed.begin(shard.state.jobs.values(), T0 + HOUR)
    assert missed.take_missed(T0 + 9 * HOUR) == [], "who led before has counted it"
