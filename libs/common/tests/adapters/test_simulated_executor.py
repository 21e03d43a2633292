"""The simulated executor: the port's promises, the clock, and many runs."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from evenflow.common.adapters.simulated.executor import SimulatedExecutor
from evenflow.common.adapters.simulated.fleet import SimulatedFleet, parse_fleet
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import SECOND, ShardClock
from evenflow.common.domain.errors import InvalidValue, UnknownRun
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import Executor, RunEnded, RunOrder, RunStarted
from evenflow.common.testing.suites.executor import ExecutorHarness, ExecutorSuite


class Shard:
    """A shard's clock whose rate can be changed."""

    def __init__(self, rate: int) -> None:
        self.wall = SystemClock()
        self.clock = ShardClock(self.wall.now(), self.wall.now(), rate)

    def now(self) -> int:
        return self.clock.shard_time(self.wall.now())

    def wall_seconds(self, shard_us: int) -> float:
        return self.clock.wall_seconds(shard_us)

    def set_rate(self, rate: int) -> None:
        self.clock = ShardClock(self.wall.now(), self.now(), rate)

    def executor(self) -> SimulatedExecutor:
        return SimulatedExecutor(now=self.now, wall_seconds=self.wall_seconds)


@pytest.fixture
def shard():
    return Shard(rate=20)


@pytest.fixture
async def cluster(shard):
    executor = shard.executor()
    await executor.open([])

    async def reopen(orders: Sequence[RunOrder]) -> Executor:
        await harness.executor.close()
        successor: Executor = shard.executor()
        await successor.open(orders)
        return successor

    harness = ExecutorHarness(
        executor, reopen, lambda seconds, code: {"run_seconds": seconds, "exit_code": code}
    )
    yield harness
    await harness.executor.close()


class TestSimulatedExecutor(ExecutorSuite):
    """Every promise of the port."""


async def test_a_run_lasts_exactly_as_long_as_asked_on_the_shards_clock(cluster):
    order = cluster.order(2.5)
    await cluster.executor.start(order)
    ended = await cluster.ended(order.token)
    assert ended.at - ended.started_at == 2.5 * SECOND


async def test_a_faster_clock_is_obeyed_at_once(cluster, shard):
    shard.set_rate(1)
    order = cluster.order(1_000)
    await cluster.executor.start(order)
    await cluster.started(order.token)
    shard.set_rate(1_000_000)
    cluster.executor.clock_changed()
    ended = await cluster.ended(order.token)
    assert ended.at - ended.started_at == 1_000 * SECOND


async def test_ends_come_in_the_order_of_their_instants(cluster):
    orders = [cluster.order(seconds) for seconds in (3, 1, 2)]
    for order in orders:
        await cluster.executor.start(order)
    ends: list[str] = []
    while len(ends) < 3:
        event = await cluster.next_event()
        if isinstance(event, RunEnded):
            ends.append(event.token)
    assert ends == [orders[1].token, orders[2].token, orders[0].token]


async def test_a_run_whose_end_passed_while_nobody_ran_ends_when_it_should_have(cluster, shard):
    order = replace(cluster.order(1), started_at=shard.now() - 10 * SECOND)
    await cluster.restart(order)
    ended = await cluster.ended(order.token)
    assert ended.at == order.started_at + SECOND


async def test_a_run_that_ended_before_it_was_stopped_keeps_its_own_end(cluster, shard):
    order = cluster.order(1)
    await cluster.executor.start(order)
    shard.set_rate(1_000_000_000)  # the end has passed; the timer does not know yet
    await cluster.executor.stop(order.token, Outcome.CANCELLED)
    assert (await cluster.ended(order.token)).outcome is Outcome.SUCCEEDED


async def test_a_bad_config_is_refused_for_good(cluster):
    order = replace(cluster.order(), config={"run_seconds": -1})
    await cluster.executor.start(order)
    ended = await cluster.next_event()
    assert (ended.outcome, ended.retryable) == (Outcome.REFUSED, False)
    assert "run_seconds" in ended.message


async def test_a_forgotten_run_leaves_nothing(cluster):
    order = cluster.order()
    await cluster.executor.start(order)
    await cluster.ended(order.token)
    await cluster.executor.forget([order.token])
    with pytest.raises(UnknownRun):
        await cluster.executor.output(order.token, "stdout", 0, 1)


async def test_stopped_runs_do_not_pile_up_until_their_time(cluster):
    for _ in range(5_000):
        order = cluster.order(100_000)
        await cluster.executor.start(order)
        await cluster.executor.stop(order.token, Outcome.CANCELLED)
        await cluster.executor.forget([order.token])
    assert len(cluster.executor._ends) < 2_000


async def test_ten_thousand_runs_at_once_all_start_and_end(cluster):
    for _ in range(10_000):
        await cluster.executor.start(cluster.order(1))
    events = [await cluster.next_event() for _ in range(20_000)]
    assert sum(isinstance(event, RunStarted) for event in events) == 10_000
    assert len(asyncio.all_tasks()) < 10


@pytest.mark.parametrize("spec", ["100x8", "simulated:100x8"])
async def test_a_fleet_is_what_its_name_says(spec):
    nodes = await SimulatedFleet(parse_fleet(spec)).observe()
    assert len({node.name for node in nodes}) == 100
    assert nodes[0].name == "sim-0001"
    assert nodes[99].capacity == {"cpu": 64_000, "memory": 512 * 2**30, "gpu": 8_000}


def test_nodes_of_a_fleet_stand_in_racks_of_eight_and_zones_of_eight_racks():
    nodes = parse_fleet("130x8")
    racks = Counter(node.labels["rack"] for node in nodes)
    zones = Counter(node.labels["zone"] for node in nodes)
    assert nodes[0].labels == {"rack": "rack-000", "zone": "zone-00"}
    assert nodes[129].labels == {"rack": "rack-016", "zone": "zone-02"}
    assert set(racks.values()) == {8, 2}
    assert zones == {"zone-00": 64, "zone-01": 64, "zone-02": 2}


def test_a_fleet_may_have_no_gpus():
    assert "gpu" not in parse_fleet("1x0")[0].capacity


def test_names_of_a_large_fleet_sort_as_their_numbers():
    names = [node.name for node in parse_fleet("20000x1")]
    assert names == sorted(names)


@pytest.mark.parametrize(
    "spec", ["", "x", "0x8", "20001x8", "100", "100x", "-1x8", "1x8x2", "local"]
)
def test_a_bad_fleet_is_refused_with_its_text(spec):
    with pytest.raises(InvalidValue, match="cluster") as caught:
        parse_fleet(spec)
    assert caught.value.value == spec
