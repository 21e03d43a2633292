"""What an event costs, in counts: they are the same on every machine, so they may be asserted."""

from dataclasses import fields, replace

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import jobs, runs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_node, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.indexes import Effort

EVENTS = 20


class Full:
    """A cluster of ten nodes that is full, with jobs waiting in vain."""

    def __init__(self, specs, leaves, wanted=None):
        self.shard = Shard().with_leader().with_queues(*leaves)
        if wanted is not None:
            self.shard.tell(settings.Set(wanted))
        self.shard.with_nodes(*(a_node(f"n{i}", gpu=8000) for i in range(10)))
        self.state = EngineState(self.shard.state)
        self.live = []
        for start in range(0, len(specs), 500):
            self.tell(jobs.Submitted(tuple(specs[start : start + 500])))
        while self.decide():
            pass
        self.started = 0

    def tell(self, fact):
        outcome = self.shard.tell(fact)
        assert isinstance(outcome, Folded)
        assert not outcome.voids
        self.state.note(outcome)

    def run(self):
        """Let all that was placed run, so that it may be stopped."""
        reports = [runs.RunReport(job_id, 1, TaskPhase.RUNNING, T0) for job_id in self.live]
        self.tell(runs.Reported(tuple(reports)))
        while self.decide():
            pass

    def decide(self):
        decision = run_cycle(self.state, self.shard.state.settings, T0)
        if not is_empty(decision):
            self.tell(decision)
        self.live += [placement.job_id for placement in decision.placements]
        return not is_empty(decision)

    def event(self):
        """End the job that runs longest, let the next start; return what was looked at for it."""
        before = replace(self.state.effort)
        end = runs.RunReport(
            self.live.pop(0), 1, TaskPhase.ENDED, T0, outcome=Outcome.SUCCEEDED, started_at=T0
        )
        began = len(self.live)
        self.tell(runs.Reported((end,)))
        self.decide()
        self.started += len(self.live) - began
        now = self.state.effort
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
    wanted = SchedulerSettings(policy=policy)
    few, many = (Full(jobs_in_turn(80 + n, leaves, (1000,)), leaves, wanted) for n in (100, 10_000))
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
        while full.decide():
            pass
        return full

    few, many = full(5), full(300)
    assert [few.event() for _ in range(EVENTS)] == [many.event() for _ in range(EVENTS)]
    assert few.started == many.started > 0
