"""The engine cuts the log where nobody needs it, records it, and frees a log that is full."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import structlog

from evenflow.common.adapters.log.cursors import Cursor
from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import checkpoint
from evenflow.common.contracts.subjects import decisions_of
from evenflow.common.domain.errors import LogMismatch
from evenflow.common.domain.facts import cycle, leader
from evenflow.common.ports.log import Fence, Origin
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.sections.process import LogStoreSettings
from evenflow.common.testing.nats_kit import a_cancel
from evenflow.common.testing.servers.nats import nats_server, provisioned
from evenflow.policy_engine.retention.cutting import Retention

pytestmark = pytest.mark.integration
LIMIT, RESERVE = 120_000, 40_000


class World:
    """A log with a leader that folds it, takes bases and cuts."""

    def __init__(self, log: ShardLog, settings: Settings) -> None:
        self.log, self.settings = log, settings
        self.ctx = ServiceContext(
            settings=settings,
            health=Health(service="policy-engine", shard="main", version="0"),
            metrics=Metrics(service="policy-engine", shard="main", version="0"),
            log=structlog.stdlib.get_logger("test"),
        )
        self.ctx.health.role = "leader"
        self.writer = log.writer(SystemClock().now)
        self.follower = Follower(self.ctx, log.open_reader, log.log_id)
        self.fence = Fence(decisions_of("main"), 0)
        self.retention = Retention(self.ctx, log, lambda: self.follower.state, self, self.renew)

    async def begin(self) -> None:
        await self.follower.load()
        self.ctx.spawn(self.follower.run(), "fold")
        await self.renew()

    async def renew(self) -> None:
        fact = leader.Decided("e", "1")
        await self.follower.reach(await self.writer.append_fenced(fact, self.fence))

    async def take(self) -> None:
        state = self.follower.state
        data = checkpoint.dump(state, self.log.log_id)
        await self.log.checkpoints.save(state.sequence, data, keep=None)

    async def fill(self, count: int, size: int = 2000) -> int:
        last = 0
        for _ in range(count):
            last = await self.writer.append(a_cancel("x" * size), Origin(actor="test"))
        await self.follower.reach(last)
        return last

    async def read(self, name: str, sequence: int) -> None:
        await self.log.cursors.put(name, Cursor(self.log.log_id, sequence))

    async def look(self) -> None:
        self.retention._cut_at = -1e9
        await self.retention.look()

    def told(self, condition: str) -> str:
        reasons: Any = self.ctx.health.status()["reasons"]
        return str(reasons.get(condition, ""))


@pytest.fixture
def store() -> LogStoreSettings:
    return LogStoreSettings(max_bytes=LIMIT, reserve=RESERVE, keep=timedelta(microseconds=1))


@pytest.fixture
async def world(store: LogStoreSettings) -> AsyncIterator[World]:
    with nats_server(shards=()) as server:
        provisioned(server.url, "main", max_bytes=store.stream_bytes)
        access = BrokerAccess(server.url, "main", "test", reserve_bytes=RESERVE)
        async with open_shard_log(access) as log:
            found = World(log, Settings(log_store=store))
            await found.begin()
            yield found
            await found.ctx.end_tasks(within_seconds=5)


async def test_the_log_is_cut_behind_the_last_base_but_one_and_no_reader_loses_anything(world):
    places = []
    for _ in range(3):
        places.append(await world.fill(5))
        await world.take()
    await world.fill(1)
    await world.look()
    assert (await world.log.bounds())[0] == places[1] + 1
    (cut,) = await world.log.cuts.all()
    assert (cut.first, cut.to, cut.held_by) == (1, places[1], "the last base but one")
    assert cut.freed_bytes > 0
    # Who begins now begins with a base, whichever, and knows what everybody knows.
    for bases in (world.log.checkpoints.newest, world.log.checkpoints.oldest):
        new = Follower(world.ctx, world.log.open_reader, world.log.log_id)
        await new.load(bases)
        world.ctx.spawn(new.run(), "fold")
        await new.catch_up()
        told = checkpoint.dump(new.state, "l")
        assert told == checkpoint.dump(world.follower.state, "l")
    with pytest.raises(LogMismatch):
        await world.log.open_reader(0)


async def test_a_slow_reader_holds_the_log_and_a_dead_one_is_named(world):
    places = []
    for _ in range(4):
        places.append(await world.fill(3))
        await world.take()
    await world.read("slow", places[0] + 1)
    await world.look()
    assert (await world.log.bounds())[0] == places[0] + 1
    assert (await world.log.cuts.all())[-1].held_by == "reader slow"
    assert world.told("log readers") == ""
    at = time.time_ns() // 1000 - 11 * 60 * 1_000_000
    mark = f'{{"log_id":"{world.log.log_id}","sequence":{places[0] + 1},"written_at":{at}}}'
    await world.log.cursors._marks.put("slow", mark.encode())
    await world.look()
    assert "slow" in world.told("log readers")
    assert world.ctx.metrics.registry.get_sample_value("evenflow_log_dead_readers") == 1
    await world.log.cursors.drop("slow")
    await world.look()
    assert (await world.log.bounds())[0] == places[2] + 1
    assert world.told("log readers") == ""


async def test_the_fences_last_fact_is_never_cut_so_any_leader_goes_on(world):
    for _ in range(3):
        await world.fill(3)
        await world.take()
    decided = world.follower.state.last_decision
    await world.look()
    first = (await world.log.bounds())[0]
    assert decided < first <= world.follower.state.last_decision
    # A successor knows the fence from its base and its tail alone.
    fence = Fence(decisions_of("main"), world.follower.state.last_decision)
    state = world.follower.state
    await world.writer.append_fenced(cycle.Decided(state.epoch, state.sequence, 1, "1"), fence)


async def test_history_is_kept_while_there_is_room_and_yields_when_there_is_not(world):
    world.settings.log_store.__dict__["keep"] = timedelta(days=30)
    for _ in range(3):
        await world.fill(8)
        await world.take()
    await world.look()
    assert (await world.log.bounds())[0] == 1  # 40 % full: all of it is history that is wanted
    while (await world.log.extent()).fullness < 0.75:
        await world.fill(4)
        await world.take()
    await world.look()
    assert (await world.log.bounds())[0] > 1
    assert (await world.log.extent()).fullness < 0.75


async def test_a_full_log_frees_itself_without_anybody_and_goes_on(world):
    await world.take()
    while not (await world.log.extent()).is_full:
        await world.fill(4)
    await world.read("exporter", world.follower.state.sequence)
    await world.look()  # no base was due: two are taken, because they are what holds it
    extent = await world.log.extent()
    assert not extent.is_full
    assert extent.fullness < 0.5
    last = await world.fill(1)
    assert last > extent.first


async def test_an_alarm_comes_at_eighty_percent_and_says_what_to_do(world):
    await world.read("stuck", 0)
    while (await world.log.extent()).fullness < 0.85:
        await world.fill(4)
    await world.look()
    assert "evenflow log status" in world.told("log room")
    assert (await world.log.bounds())[0] == 1


async def test_bases_that_serve_nobody_go_and_history_keeps_some_for_each_part_of_it(world):
    world.settings.log_store.__dict__["keep"] = timedelta(days=30)
    for _ in range(12):
        await world.fill(1)
        await world.take()
    await world.look()
    kept = [base.sequence for base in await world.log.checkpoints.bases()]
    newest = world.follower.state.sequence
    assert newest in kept
    assert 3 < len(kept) <= 8
