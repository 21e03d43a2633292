"""What is started counts at once, with all that it is expected to cost: a gap buys no burst."""

from typing import Any

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.jobs.job import JobSpec, TaskPhase
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.builders import a_node
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.division.usage_history import History
from evenflow.policy_engine.core.state.engine_state import EngineState
from tests.fleets.fleet import Fleet
from tests.fleets.usage import a_snapshot, used

CAPACITY_HOURS = 6400.0
"""GPU-hours of the window, of a cluster of 64 GPUs."""
MINUTE = 60 * SECOND


class Saturated(Fleet):
    """64 GPUs, two queues that always want all of them, and one snapshot that never changes."""

    def __init__(self, hours: dict[str, float], users: dict[str, float], policy: str = "fifo"):
        super().__init__(*hours, nodes=[a_node("big", cpu=640_000, gpu=64_000)], policy=policy)
        fact = a_snapshot(
            half_life_seconds=86_400.0,
            capacity={"gpu": 64.0},
            capacity_hours={"gpu": CAPACITY_HOURS},
            queues=of_capacity(hours),
            users=of_capacity(users),
        )
        self.tell(fact)
        self.engine.use(parse_snapshot(fact.document), self.shard.state.sequence)

    def submit(self, **fields: Any) -> JobSpec:
        wants = {"gpu": 64_000}
        return self.submit_job(resources=wants, estimated_duration_us=MINUTE, **fields)

    def run_one(self) -> str:
        """Start the next job, let it end after a minute; returns its queue and user."""
        (placement,) = self.decide().placements
        spec = self.shard.state.jobs[placement.job_id].spec
        self.report(spec.id, TaskPhase.RUNNING)
        self.now += MINUTE
        self.end(spec)
        return f"{spec.queue} {spec.user}"


def of_capacity(hours: dict[str, float]) -> dict[str, Any]:
    ratios = {name: each / CAPACITY_HOURS for name, each in hours.items()}
    return used(ratios, "gpu", whole=CAPACITY_HOURS)


def test_a_queue_with_a_gap_of_one_gpu_hour_does_not_start_forty_jobs_in_a_row():
    world = Saturated({"a": 100.0, "b": 101.0}, {})
    for number in range(80):
        world.submit(queue="ab"[number % 2])
    ran = [world.run_one()[0] for _ in range(40)]
    assert ran[0] == "a", "who has used less goes first"
    longest = max(
        len(run) for run in "".join(ran).replace("ab", "a b").replace("ba", "b a").split()
    )
    assert longest <= 2
    assert 19 <= ran.count("a") <= 21


def test_a_user_with_a_gap_does_not_either():
    world = Saturated({"a": 0.0}, {"ann": 100.0, "bob": 101.0}, policy="fairshare")
    for number in range(40):
        world.submit(queue="a", user=("ann", "bob")[number // 20])
    ran = [world.run_one().split()[1] for _ in range(20)]
    assert ran[0] == "ann"
    assert 9 <= ran.count("ann") <= 11


def test_what_was_expected_is_replaced_by_what_was_used_and_that_by_the_snapshot():
    world = Saturated({"a": 0.0, "b": 0.0}, {})
    spec = world.submit(queue="a")
    history = world.engine.history

    def hours(of: History) -> float:
        return round(of.usage(("a", "")) / 1e9 * CAPACITY_HOURS, 3)

    decision = run_cycle(world.engine, world.shard.state.settings, world.now)
    assert hours(history) == round(64 / 60, 3), "a minute of 64 GPUs, before anything ran"
    world.tell(decision)
    world.now += MINUTE // 4
    world.end(spec)
    assert hours(history) == round(16 / 60, 3), "it ended after a quarter of that"
    assert EngineState(world.shard.state).history.usage(("a", "")) == 0, "no history, no usage"
