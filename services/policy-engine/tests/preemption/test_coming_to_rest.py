"""Taking back toward fair share comes to rest: nobody is stopped in turns for ever."""

import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.builders import T0, a_queue
from tests.fleets.obedient import Obedient
from tests.fleets.usage import a_snapshot, used

DAY = 86_400


class History:
    """Decayed usage of queues by what they hold, told every so many seconds."""

    def __init__(self, world, queues, half_life):
        self.world, self.queues, self.half_life = world, queues, half_life
        self.used = dict.fromkeys(queues, 0.0)
        self.all = 1e-9
        self.sequence = 0

    def pass_time(self, seconds):
        world, gpus = (
            self.world,
            sum(n.capacity["gpu"] for n in self.world.shard.state.nodes.values()),
        )
        keep = 0.5 ** (seconds / self.half_life)
        self.all = self.all * keep + gpus * seconds
        for queue in self.queues:
            held = sum(spec.resources["gpu"] for spec in world.running(queue))
            self.used[queue] = self.used[queue] * keep + held * seconds
        world.now += seconds * 1_000_000
        self.tell()

    def tell(self):
        self.sequence += 1
        ratios = {q: round(self.used[q] / self.all, 9) for q in self.queues}
        fact = a_snapshot(
            sequence=self.sequence,
            generated_at=self.world.now,
            half_life_seconds=float(self.half_life),
            capacity={"gpu": 8.0},
            capacity_hours={"gpu": 1e6},
            queues=used(ratios, "gpu"),
        )
        self.world.engine.use(parse_snapshot(fact.document), self.sequence)


SPLITS = [
    pytest.param(8, ("a", "b"), id="two queues, even"),
    pytest.param(7, ("a", "b"), id="two queues, odd"),
    pytest.param(10, ("a", "b", "c"), id="three queues with a rest"),
]


@pytest.mark.parametrize(("gpus", "queues"), SPLITS)
def test_after_it_came_to_rest_a_thousand_idle_cycles_stop_nobody(gpus, queues):
    world = Obedient(*(f"{q}/x" for q in queues), gpus=gpus)
    for queue in queues:
        world.submit(f"{queue}/x", 3 * gpus)
        world.settle()
    assert not [e for _ in range(1000) for e in world.turn()]
    held = [len(world.running(queue)) for queue in queues]
    share = gpus / len(queues)
    assert min(held) + 1 > share or max(held) - 1 < share, "nobody could give and keep its share"


@pytest.mark.parametrize("half_life", [600, DAY])
@pytest.mark.parametrize(("gpus", "queues"), SPLITS)
def test_it_stays_at_rest_while_decay_moves_the_shares(gpus, queues, half_life):
    world = Obedient(*(f"{q}/x" for q in queues), gpus=gpus)
    history = History(world, queues, half_life)
    for queue in queues:
        world.submit(f"{queue}/x", 3 * gpus)
        for _ in range(20):
            history.pass_time(half_life // 10)
            world.turn()
    for _ in range(400):
        history.pass_time(half_life // 10)
        world.turn()
    for _ in range(1000):
        history.pass_time(half_life // 20)
        assert not world.turn()


@pytest.mark.parametrize("k", [0.5, 1.0, 4.0])
def test_no_cycle_undoes_the_one_before(k):
    world = Obedient("a/x", "b/y", gpus=7, k=k)
    history = History(world, ("a", "b"), 600)
    for queue in ("a/x", "b/y"):
        world.submit(queue, 21)
    last: dict[str, str] = {}
    for _ in range(600):
        history.pass_time(30)
        stopped = world.turn()
        starters = {e.beneficiary for e in stopped}
        for eviction in stopped:
            # Whoever was stopped just now was not started by stopping others just before.
            assert eviction.job_id not in last
        last = dict.fromkeys(starters, "")


@given(seed=st.integers(0, 10**6))
@hypothesis_settings(max_examples=25, deadline=None)
def test_any_mix_of_queues_sizes_and_priorities_comes_to_rest(seed):
    pick = random.Random(seed)
    leaves = ("a/x", "a/y", "b/z", "c/w")
    queues = [
        a_queue(
            leaf,
            weight=pick.choice((1.0, 2.0)),
            policy=pick.choice(("fifo", "priority")),
            priority=pick.choice((0, 0, 1)),
        )
        for leaf in leaves
    ]
    world = Obedient(*queues, gpus=tuple(pick.choice((2, 4, 8)) for _ in range(3)),
                 preemption_scope=pick.choice(("project", "cluster")),
                 consolidate=pick.random() < 0.5)  # fmt: skip
    for _ in range(8):
        world.submit(pick.choice(leaves), pick.randint(1, 8), gpus=pick.choice((0.5, 1, 1, 2, 4)),
                     priority=pick.choice((0, 5, 15, 30, 60)))  # fmt: skip
        world.turn()
    world.settle()
    assert not [e for _ in range(50) for e in world.turn()]
    assert world.now > T0
