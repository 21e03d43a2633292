"""Elastic gangs get what they lack when nobody waits for it, or may not have it before."""

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import jobs, runs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.constraints import Constraints
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState

MINUTE = 60_000_000
CARD = {"cpu": 1000, "gpu": 1000}


class Fleet:
    """Two nodes of 4 GPUs; `turn` decides until nothing is left to be said."""

    def __init__(self, *queues, **fields) -> None:
        self.now, self.jobs = T0, 0
        self.shard = Shard().with_leader().with_queues(*(queues or ("p/q",)))
        self.shard.with_nodes(*(a_node(f"n{i}", gpu=4000) for i in (1, 2)))
        self.shard.tell(settings.Set(SchedulerSettings(**fields)))
        self.state = EngineState(self.shard.state)

    def tell(self, fact) -> None:
        outcome = self.shard.tell(fact, at=self.now)
        assert isinstance(outcome, Folded)
        self.state.note(outcome)

    def submit(self, tasks, minutes, *, at_least=None, queue="p/q", **fields) -> str:
        self.jobs += 1
        if at_least is None:
            fields["resources"] = CARD
        else:
            fields["groups"] = (TaskGroup("worker", tasks, CARD, min_tasks=at_least),)
            fields["resources"] = {}
        limit = None if minutes is None else minutes * MINUTE
        spec = a_spec(self.jobs, queue=queue, tasks=tasks, time_limit_us=limit, **fields)
        self.tell(jobs.Submitted((spec,)))
        return spec.id

    def turn(self) -> list[str]:
        """Decide; return what grew, each as often as it did."""
        grown = []
        while True:
            decision = run_cycle(self.state, self.shard.state.settings, self.now)
            if is_empty(decision):
                return grown
            self.tell(decision)
            grown += [growth.job_id for growth in decision.growths]
            for placement in decision.placements:
                self.report(placement.job_id, TaskPhase.RUNNING)

    def report(self, job_id, phase, outcome=None) -> None:
        attempt = self.shard.state.jobs[job_id].attempt
        self.tell(runs.Reported((runs.RunReport(job_id, attempt, phase, self.now, None, outcome),)))

    def end(self, job_id) -> None:
        self.report(job_id, TaskPhase.ENDED, Outcome.SUCCEEDED)

    def held(self, job_id) -> int:
        return len(self.shard.state.jobs[job_id].placement)


def a_full_fleet(minutes, *queues, **fields) -> tuple[Fleet, str, str, str]:
    """4 GPUs are held for an hour, 3 for ten minutes, and a gang of 1 to 4 has the last one."""
    fleet = Fleet(*queues, **fields)
    held, short = fleet.submit(4, 60), fleet.submit(3, 10)
    gang = fleet.submit(4, minutes, at_least=1)
    fleet.turn()
    assert (fleet.held(held), fleet.held(short), fleet.held(gang)) == (4, 3, 1)
    return fleet, held, short, gang


def test_a_gang_grows_to_its_most_when_nobody_waits_and_that_is_not_undone():
    fleet, _, short, gang = a_full_fleet(600)
    fleet.end(short)
    assert set(fleet.turn()) == {gang}
    assert fleet.held(gang) == 4
    for _ in range(20):
        fleet.now += MINUTE
        assert fleet.turn() == []
    assert fleet.held(gang) == 4


@pytest.mark.parametrize(
    ("minutes", "size"),
    [pytest.param(30, 4, id="over before"), pytest.param(90, 1, id="not over before")],
)
def test_while_a_wide_job_waits_a_gang_takes_what_it_gives_back_in_time(minutes, size):
    fleet, held, short, gang = a_full_fleet(minutes)
    wide = fleet.submit(7, 10)  # it may start when the hour is over, beside a gang of one
    fleet.turn()
    fleet.end(short)
    fleet.turn()
    assert fleet.held(gang) == size
    fleet.now = T0 + 30 * MINUTE
    if minutes == 30:
        fleet.end(gang)
    fleet.turn()
    fleet.now = T0 + 60 * MINUTE
    fleet.end(held)
    fleet.turn()
    assert fleet.held(wide) == 7


def test_what_a_promise_leaves_over_is_had_for_any_time():
    fleet, held, short, gang = a_full_fleet(600)
    wide = fleet.submit(5, 10)
    fleet.turn()
    fleet.end(short)  # 3 are free now, 7 in an hour, of which 5 are promised
    fleet.turn()
    assert fleet.held(gang) == 1 + 2
    fleet.now = T0 + 60 * MINUTE
    fleet.end(held)
    fleet.turn()
    assert fleet.held(wide) == 5


@pytest.mark.parametrize("backfill", ["off", "conservative"])
def test_where_gaps_are_not_filled_easily_nothing_grows_while_somebody_waits(backfill):
    fleet, _, short, gang = a_full_fleet(30, backfill=backfill)
    fleet.submit(8, 10)
    fleet.turn()
    fleet.end(short)
    assert fleet.turn() == []
    assert fleet.held(gang) == 1


def test_who_waits_for_a_quota_or_can_never_start_keeps_nothing_from_growing():
    fleet, _, short, gang = a_full_fleet(600, "p/q", a_queue("p/full", max_concurrent_jobs=0))
    fleet.submit(1, 10, queue="p/full")
    fleet.submit(1, 10, constraints=Constraints({"gpu-type": ("none",)}))
    fleet.turn()
    fleet.end(short)
    assert set(fleet.turn()) == {gang}
    assert fleet.held(gang) == 4


def test_a_gang_does_not_grow_above_the_limit_of_its_queue():
    fleet, _, short, gang = a_full_fleet(600, a_queue("p/q", limit={"gpu": 10_000}))
    fleet.end(short)
    fleet.turn()
    assert fleet.held(gang) == 4
    tight, _, short, gang = a_full_fleet(600, a_queue("p/q", limit={"gpu": 8_000}))
    tight.submit(2, 600)
    tight.turn()
    tight.end(short)
    tight.turn()
    assert tight.held(gang) == 2
