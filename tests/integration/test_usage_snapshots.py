"""The aggregator as a process, on a real broker and store: restarts, wipes, outages, standby."""

import math
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

import pytest

from evenflow.common.adapters.redis_snapshots import RedisSnapshots, open_redis
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.facts.usage import Sampled, SnapshotTaken, UsageEntry, UsageSample
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.servers.nats import nats_server
from evenflow.common.testing.servers.valkey import RedisServer, redis_server
from evenflow.common.testing.watched_log import Watched, a_service, watched

pytestmark = pytest.mark.integration

wall = SystemClock().now

HALF_LIFE = 20


class System:
    """A broker, a store, and samples that a test tells."""

    def __init__(self, server, store: RedisServer, watcher: Watched) -> None:
        self._server, self.store, self.watcher = server, store, watcher
        self._told: list[tuple[int, float]] = []
        self._last = 0

    def aggregator(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        return a_service(
            "usage_aggregator",
            self._server,
            EVENFLOW_REDIS__URL=self.store.url,
            EVENFLOW_USAGE__HALF_LIFE=f"{HALF_LIFE}s",
        )

    async def use(self, cpu_seconds: float) -> None:
        end = wall()
        entry = UsageEntry("job", "a/b", "a", "ann", {"cpu": cpu_seconds})
        sample = UsageSample(f"s{len(self._told)}", end - SECOND, end, (entry,), {"cpu": 4.0})
        self._last = await self.watcher.samples.append(Sampled((sample,)), self._last, "test")
        self._told.append((end, cpu_seconds))

    async def snapshot(self) -> SnapshotTaken:
        """The first snapshot from now on that holds all that was told."""
        count = len(self.taken())
        await self.watcher.until(
            lambda: len(self.taken()) > count and self.taken()[-1].data_until == self._told[-1][0]
        )
        return self.taken()[-1]

    def taken(self) -> list[SnapshotTaken]:
        return self.watcher.facts(SnapshotTaken)

    def is_closed_form(self, fact: SnapshotTaken) -> bool:
        rate = math.log(2) / (HALF_LIFE * SECOND)
        ends = [(amount, fact.generated_at - end) for end, amount in self._told]
        closed = math.fsum(amount * math.exp(-rate * age) for amount, age in ends) / 3600
        documents = zip(self.taken(), self.watcher.usage_documents(), strict=True)
        document = next(text for each, text in documents if each.sequence == fact.sequence)
        found = parse_snapshot(document).queues.hours_of("a/b", "cpu")
        return math.isclose(found, closed, rel_tol=1e-8)  # the document shows nine digits


@pytest.fixture
async def system() -> AsyncIterator[System]:
    with nats_server() as server, redis_server() as store:
        async with watched(server) as watcher:
            yield System(server, store, watcher)


async def test_usage_is_the_closed_form_over_kill_9_and_over_a_wiped_store(system):
    with system.aggregator():
        for amount in (3.0, 5.5, 0.25):
            await system.use(amount)
        assert system.is_closed_form(await system.snapshot())
    await system.use(7.75)  # while nobody looks
    with system.aggregator():
        assert system.is_closed_form(await system.snapshot())
    async with open_redis(system.store.url) as client:
        await client.flushall()
        with system.aggregator():
            await system.use(1.5)
            fact = await system.snapshot()
        kept = await RedisSnapshots(client, "main").get()
    assert system.is_closed_form(fact)
    assert kept.sequence >= fact.sequence
    sequences = [each.sequence for each in system.taken()]
    assert sequences == sorted(set(sequences))


async def test_without_the_store_nothing_is_published_nothing_is_lost_and_nobody_crashes(system):
    with system.aggregator() as process:
        await system.use(3.0)
        await system.snapshot()
        system.store.kill()
        await system.use(4.0)
        beats = system.watcher.heartbeats("usage-aggregator")
        async for beat in beats:
            if "Redis" in beat["reasons"].get("usage", ""):
                break
        count = len(system.taken())
        await anext(beats)
        await beats.aclose()
        assert (process.poll(), len(system.taken())) == (None, count)
        system.store.start()
        assert system.is_closed_form(await system.snapshot())


async def test_a_standby_goes_on_after_kill_9_of_the_leader(system):
    with system.aggregator() as first:
        await system.use(3.0)
        await system.snapshot()
        with system.aggregator():
            first.kill()
            await system.use(2.0)
            assert system.is_closed_form(await system.snapshot())
    sequences = [each.sequence for each in system.taken()]
    assert sequences == sorted(set(sequences))
