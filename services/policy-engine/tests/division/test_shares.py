"""The engine's fair shares, kept up to date, are what `evenflow fairshare` would say."""

from random import Random

import pytest

from evenflow.common.domain.facts import jobs, queues
from evenflow.common.testing.builders import a_node, a_queue
from evenflow.policy_engine.core.division.kai import UNLIMITED
from evenflow.policy_engine.core.division.tree import Mode, TreeQueue, Wish, divide_tree
from tests.fleets.fleet import Fleet

PATHS = ("a", "a/x", "a/x/k", "a/x/l", "a/y", "b", "b/x", "b/y", "c", "c/x")
LEAVES = tuple(path for path in PATHS if not any(other.startswith(f"{path}/") for other in PATHS))
UNITS = {"cpu": 1000, "gpu": 1000}


class Changing(Fleet):
    """Random queues with random jobs, which change."""

    def __init__(self, seed: int, mode: Mode) -> None:
        self.draw = Random(seed)
        self.mode = mode
        k = self.draw.choice((0.0, 1.0))
        queues = [self.a_queue(path) for path in PATHS]
        node = a_node("n1", gpu=self.draw.choice((4000, 16_000)), cpu=32_000)
        super().__init__(*queues, nodes=[node], fairness_mode=mode.value, k=k)
        self.waiting: list[str] = []

    def a_queue(self, path: str):
        draw = self.draw
        return a_queue(
            path,
            priority=draw.choice((0, 0, 1)),
            weight=draw.choice((0.5, 1.0, 3.0)),
            deserved=draw.choice((None, None, {"gpu": 2000}, {"cpu": 4000, "gpu": 1000})),
            limit=draw.choice((None, None, {"gpu": 2000}, {"gpu": 3000, "cpu": 8000})),
        )

    def happen(self) -> None:
        what = self.draw.random()
        if what < 0.5 or not self.waiting:
            wants = {
                "cpu": self.draw.choice((1000, 5000)),
                "gpu": self.draw.choice((0, 500, 1000, 4000)),
            }
            spec = self.submit_job(
                queue=self.draw.choice(LEAVES),
                resources=wants,
                tasks=self.draw.choice((1, 1, 2)),
            )
            self.waiting.append(spec.id)
        elif what < 0.75:
            gone = self.waiting.pop(self.draw.randrange(len(self.waiting)))
            self.tell(jobs.CancelRequested((jobs.CancelRequest(gone, "alice"),)))
        else:
            self.tell(queues.Defined((self.a_queue(self.draw.choice(PATHS)),)))

    def told_by_the_tree(self) -> dict[str, dict[str, float]]:
        """Divide the same tree anew, in cards and cores."""
        known = self.shard.state.queues
        total = {name: self.engine.rooms.capacity[name] / UNITS[name] for name in UNITS}
        tree = [
            TreeQueue(
                queue.id,
                None if queue.parent is None else known[queue.parent].id,
                queue.priority,
                queue.created_at,
                {name: self.wish(path, name) for name in UNITS},
            )
            for path, queue in known.items()
        ]
        found = divide_tree(total, tree, mode=self.mode, k=self.shard.state.settings.k).shares
        return {path: dict(found[queue.id]) for path, queue in known.items()}

    def wish(self, path: str, name: str) -> Wish:
        queue, unit = self.shard.state.queues[path], UNITS[name]
        limit = (queue.limit or {}).get(name)
        wanted = sum(
            job.spec.resources.get(name, 0) * job.spec.tasks
            for job in self.shard.state.jobs.values()
            if job.spec.queue == path
        )
        return Wish(
            deserved=(queue.deserved or {}).get(name, 0) / unit,
            limit=UNLIMITED if limit is None else limit / unit,
            request=wanted / unit if path in LEAVES else None,
            weight=queue.weight,
        )


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("seed", range(24))
def test_shares_that_follow_facts_are_those_of_the_tree_divided_anew(seed, mode):
    world = Changing(seed, mode)
    for _ in range(40):
        world.happen()
        world.engine.refresh_shares()
        for path, expected in world.told_by_the_tree().items():
            kept = {name: world.engine.shares.of(path).get(name, 0.0) for name in UNITS}
            anew = {name: expected[name] * UNITS[name] for name in UNITS}
            assert kept == pytest.approx(anew, rel=1e-9, abs=1e-3), path


def test_a_parent_wants_no_more_than_the_limits_below_it_let_it_use():
    tree = (a_queue("a"), a_queue("a/x", limit={"gpu": 2000}), a_queue("b"), "b/x")
    fleet = Fleet(*tree, nodes=[a_node("n1", gpu=8000)])
    for queue in ("a/x", "b/x"):
        fleet.submit_job(queue=queue, resources={"gpu": 1000}, tasks=8)
    engine = fleet.engine
    engine.refresh_shares()
    assert engine.shares.request_of("a") == {"gpu": 2000}
    assert engine.shares.of("a")["gpu"] == 2000
    assert engine.shares.of("b")["gpu"] == 6000, "else two cards would lie idle in a"
