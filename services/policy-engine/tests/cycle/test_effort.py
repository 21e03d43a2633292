"""What an event costs, in counts: they are the same on every machine, so they may be asserted."""

from dataclasses import fields, replace

import pytest

from evenflow.common.domain.facts import jobs, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_node, a_spec
from evenflow.policy_engine.core.state.indexes import Effort
from tests.fleets.fleet import Fleet

EVENTS = 20


class Full(Fleet):
    """A cluster of ten nodes that is full, with jobs waiting in vain."""

    def __init__(self, specs, leaves, **chosen):
        self.live = []
        super().__init__(*leaves, nodes=(a_node(f"n{i}", gpu=8000) for i in range(10)), **chosen)
        for start in range(0, len(specs), 500):
            self.tell(jobs.Submitted(tuple(specs[start : start + 500])))
        self.settle()
        self.started = 0

    def settle(self):
        for _ in self.decisions():
            pass

    def decide(self):
        decision = super().decide()
        self.live += [placement.job_id for placement in decision.placements]
        return decision

    def run(self):
        """Let all that was placed run, so that it may be stopped."""
        reports = [runs.RunReport(job_id, 1, TaskPhase.RUNNING, T0) for job_id in self.live]
        self.tell(runs.Reported(tuple(reports)))
        self.settle()

    def event(self):
        """End the job that runs longest, let the next start; return what was looked at for it."""
        before = replace(self.engine.effort)
        end = runs.RunReport(
            self.live.pop(0), 1, TaskPhase.ENDED, T0, outcome=Outcome.SUCCEEDED, started_at=T0
        )
        began = len(self.live)
        self.tell(runs.Reported((end,)))
        self.decide()
        self.started += len(self.live) - began
        now = self.engine.effort
        names = [field.name for field in fields(now)]
        return Effort(*[getattr(now, name) - getattr(before, name) for name in names])


def jobs_in_turn(count, leaves, shapes):
    """Jobs that go round the queues; each queue's first ones are the same however many follow."""
    return [
        a_spec(
            n,
            queue=leaves[n % len(leaves)],
            user=f"user-{n % 7}",
            resources={"cpu": 1000, "gpu": shapes[n // len(leaves) % len(shapes)]},
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("shapes", [(1000,), (1000, 500, 2000)], ids=["one shape", "three shapes"])
def test_an_event_costs_the_same_with_100_and_with_10_000_pending(shapes):
    leaves = [f"{top}/{leaf}" for top in "ab" for leaf in range(5)]
    few, many = (Full(jobs_in_turn(80 + n, leaves, shapes), leaves) for n in (100, 10_000))
    assert [few.event() for _ in range(EVENTS)] == [many.event() for _ in range(EVENTS)]
    assert few.started == many.started > 0


@pytest.mark.parametrize("policy", ["fifo", "priority"])
def test_an_event_costs_the_same_where_jobs_may_be_stopped(policy):
    leaves = [f"{top}/{leaf}" for top in "ab" for leaf in range(5)]
    few, many = (
        Full(jobs_in_turn(80 + n, leaves, (1000,)), leaves, policy=policy) for n in (100, 10_000)
    )
    for full in (few, many):
        full.run()
    costs = [few.event() for _ in range(EVENTS)]
    assert costs == [many.event() for _ in range(EVENTS)]
    assert not any(cost.rooms_probed for cost in costs), "nobody lacks a whole job"


@pytest.mark.parametrize("queues", [10, 1000])
def test_on_a_saturated_cluster_few_queues_are_weighed_for_an_event(queues):
    leaves = [f"top-{n % 10}/{n:04d}" for n in range(queues)]
    full = Full(jobs_in_turn(80 + 2 * queues, leaves, (1000,)), leaves)
    full.run()
    full.event()
    costs = [full.event() for _ in range(EVENTS)]
    assert max(cost.queues_weighed for cost in costs) <= 20
    assert not any(cost.rooms_probed for cost in costs)


def test_queues_that_wait_for_more_than_came_free_are_not_touched():
    def full(waiting_for_whole_nodes):
        leaves = ["a/small", *(f"b/{n:03d}" for n in range(waiting_for_whole_nodes))]
        small = [a_spec(n, queue="a/small", resources={"gpu": 1000}) for n in range(200)]
        large = [
            a_spec(1000 + n, queue=leaf, resources={"gpu": 8000}, submitted_at=T0 + 1000 + n)
            for n, leaf in enumerate(leaves[1:])
        ]
        full = Full(small, leaves)
        full.tell(jobs.Submitted(tuple(large)))
        full.settle()
        return full

    few, many = full(5), full(300)
    assert [few.event() for _ in range(EVENTS)] == [many.event() for _ in range(EVENTS)]
    assert few.started == many.started > 0
