"""Usage that no snapshot tells of yet: added when an attempt ends, dropped when one knows it."""

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.domain.state.usage_since_snapshot import (
    BUCKET_US,
    BUCKETS_KEPT,
    usage_since_snapshot,
)
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.shard import Shard

SECOND = 1_000_000


class World(Shard):
    """A shard with one queue and room; instants are seconds after T0."""

    def __init__(self) -> None:
        super().__init__()
        self.with_leader().with_queues("p/q", "p/r").with_nodes(a_node("n1", cpu=10**9))

    def run(self, begin: int, end: int, **fields) -> None:
        self.finish(self.place(begin, **fields), end)

    def place(self, begin: int, **fields) -> JobSpec:
        spec = self.submit(**({"queue": "p/q"} | fields))
        placement = Placement(spec.id, 1, (TaskPlacement("n1"),) * spec.least_tasks)
        self.decide(begin, placements=(placement,))
        return spec

    def finish(self, spec: JobSpec, end: int) -> None:
        when = T0 + end * SECOND
        self.end(spec, Outcome.SUCCEEDED, at=when, started_at=when)

    def decide(self, at: int, **parts) -> None:
        when = T0 + at * SECOND
        self.tell(cycle.Decided(self.state.epoch, 0, when, "1", **parts), at=when)

    def snapshot(self, until: int) -> None:
        until = T0 + until * SECOND
        self.tell(SnapshotTaken(1, until, until, "", ""))

    def seconds(self) -> dict[tuple[str, str], float]:
        """Return core-seconds that no snapshot knows by leaf and user."""
        found = usage_since_snapshot(self.state)
        return {key: amounts.get("cpu", 0) / 1000 / SECOND for key, amounts in found.items()}


def test_what_an_attempt_held_counts_once_it_has_ended_by_leaf_and_user():
    world = World()
    running = world.place(0, user="eve")
    world.run(0, 4, tasks=3)
    world.run(2, 5, queue="p/r")
    assert world.seconds() == {("p/q", "ann"): 12, ("p/r", "ann"): 3}
    world.finish(running, 7)
    assert world.seconds()["p/q", "eve"] == 7


def test_a_snapshot_takes_away_what_it_knows_and_later_ends_count_from_it_on():
    world = World()
    world.run(0, 3)
    long = world.place(0)
    world.run(28, 31)
    world.snapshot(20)
    assert (world.state.usage_until, world.seconds()) == (T0 + 20 * SECOND, {("p/q", "ann"): 3})
    world.finish(long, 25)
    assert world.seconds() == {("p/q", "ann"): 3 + 5}
    world.snapshot(30)
    assert world.seconds() == {("p/q", "ann"): 3}
    world.snapshot(40)
    assert not world.state.usage_since_snapshot


def test_an_end_that_a_snapshot_knows_already_adds_nothing():
    world = World()
    late = world.place(0)
    world.snapshot(20)
    world.finish(late, 18)
    assert not world.state.usage_since_snapshot


def test_tasks_by_which_a_gang_grew_count_from_their_own_placement():
    world = World()
    roles = (TaskGroup("a", 1, {"cpu": 1000}), TaskGroup("b", 1, {"cpu": 5000}, 0))
    spec = world.place(0, groups=roles, tasks=2, resources={})
    world.decide(6, growths=(Placement(spec.id, 1, (TaskPlacement("n1"),)),))
    world.finish(spec, 8)
    assert world.seconds() == {("p/q", "ann"): 8 + 5 * 2}


def test_without_snapshots_the_oldest_is_forgotten():
    world = World()
    width = BUCKET_US // SECOND
    for number in range(BUCKETS_KEPT + 50):
        world.run(number * width, number * width + 1)
    assert len(world.state.usage_since_snapshot) == BUCKETS_KEPT
    assert min(world.state.usage_since_snapshot) == T0 // BUCKET_US + 50
    world.run(0, 1)
    assert len(world.state.usage_since_snapshot) == BUCKETS_KEPT


def test_a_checkpoint_keeps_it():
    world = World()
    world.run(0, 3)
    world.run(0, 33, user="a:b")
    world.snapshot(2)
    again = checkpoint.load(checkpoint.dump(world.state, "log"), "log")
    assert again.usage_since_snapshot == world.state.usage_since_snapshot
    assert again.usage_until == world.state.usage_until
