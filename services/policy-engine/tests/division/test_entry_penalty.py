"""What is started counts at once, with all that it is expected to cost: a gap buys no burst."""

import json

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import usage
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.usage.snapshot import parse_snapshot, seal
from evenflow.common.testing.builders import T0, a_node, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.division.usage_history import History
from evenflow.policy_engine.core.state.engine_state import EngineState

CAPACITY_HOURS = 6400.0
"""GPU-hours of the window, of a cluster of 64 GPUs."""
MINUTE = 60 * SECOND


def columns(hours: dict[str, float]) -> dict[str, object]:
    return {
        "names": list(hours),
        "raw_hours": {"gpu": list(hours.values())},
        "normalized": {"gpu": [each / CAPACITY_HOURS for each in hours.values()]},
    }


class World:
    """64 GPUs, two queues that always want all of them, and one snapshot that never changes."""

    def __init__(self, queues: dict[str, float], users: dict[str, float], policy: str = "fifo"):
        self.shard = Shard().with_leader().with_queues(*queues)
        self.shard.with_nodes(a_node("big", cpu=640_000, gpu=64_000))
        self.state = EngineState(self.shard.state)
        self.settings = SchedulerSettings(policy=policy)
        self.shard.state.settings = self.settings
        self.now = T0
        document, digest = seal(
            {
                "schema": 1,
                "sequence": 1,
                "generated_at": T0,
                "data_until": T0,
                "window": {},
                "half_life_seconds": 86_400.0,
                "capacity": {"gpu": 64.0},
                "capacity_hours": {"gpu": CAPACITY_HOURS},
                "capacity_unknown": [],
                "queues": columns(queues),
                "projects": columns({}),
                "users": columns(users),
            }
        )
        until = json.loads(document)["data_until"]
        self.note(self.shard.tell(usage.SnapshotTaken(1, T0, until, digest, document)))
        self.state.rebuild()
        self.state.use(parse_snapshot(document), self.shard.state.sequence)

    def note(self, outcome: object) -> None:
        assert isinstance(outcome, Folded)
        self.state.note(outcome)

    def submit(self, number: int, **fields) -> None:
        spec = a_spec(number, resources={"gpu": 64_000}, estimated_duration_us=MINUTE, **fields)
        self.shard.submit(spec)
        self.state.rebuild()

    def run_one(self) -> str:
        """Start the next job, let it end after a minute; returns its queue and user."""
        decision = run_cycle(self.state, self.settings, self.now)
        (placement,) = decision.placements
        spec = self.shard.state.jobs[placement.job_id].spec
        self.note(self.shard.tell(decision, at=self.now))
        self.note(self.shard.report(spec, TaskPhase.RUNNING, at=self.now))
        self.now += MINUTE
        self.note(self.shard.end(spec, Outcome.SUCCEEDED, at=self.now))
        return f"{spec.queue} {spec.user}"


def test_a_queue_with_a_gap_of_one_gpu_hour_does_not_start_forty_jobs_in_a_row():
    world = World({"a": 100.0, "b": 101.0}, {})
    for number in range(80):
        world.submit(number, queue="ab"[number % 2])
    ran = [world.run_one()[0] for _ in range(40)]
    assert ran[0] == "a", "who has used less goes first"
    longest = max(
        len(run) for run in "".join(ran).replace("ab", "a b").replace("ba", "b a").split()
    )
    assert longest <= 2
    assert 19 <= ran.count("a") <= 21


def test_a_user_with_a_gap_does_not_either():
    world = World({"a": 0.0}, {"ann": 100.0, "bob": 101.0}, policy="fairshare")
    for number in range(40):
        world.submit(number, queue="a", user=("ann", "bob")[number // 20])
    ran = [world.run_one().split()[1] for _ in range(20)]
    assert ran[0] == "ann"
    assert 9 <= ran.count("ann") <= 11


def test_what_was_expected_is_replaced_by_what_was_used_and_that_by_the_snapshot():
    world = World({"a": 0.0, "b": 0.0}, {})
    world.submit(1, queue="a")
    history = world.state.history

    def hours(of: History) -> float:
        return round(of.usage(("a", "")) / 1e9 * CAPACITY_HOURS, 3)

    decision = run_cycle(world.state, world.settings, world.now)
    assert hours(history) == round(64 / 60, 3), "a minute of 64 GPUs, before anything ran"
    world.note(world.shard.tell(decision, at=world.now))
    spec = next(iter(world.shard.state.jobs.values())).spec
    world.note(world.shard.end(spec, Outcome.SUCCEEDED, at=world.now + MINUTE // 4))
    assert hours(history) == round(16 / 60, 3), "it ended after a quarter of that"
    assert EngineState(world.shard.state).history.usage(("a", "")) == 0, "no history, no usage"
