"""A term of the aggregator on fakes: restarts, outages, and who was first."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
import structlog

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import SECOND, ShardClock
from evenflow.common.domain.errors import RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.facts.usage import Sampled, SnapshotTaken, UsageEntry, UsageSample
from evenflow.common.domain.usage import digest_of, parse_snapshot
from evenflow.common.runtime.health import Health
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.builders import T0
from evenflow.common.testing.fake_log import FakeLog
from evenflow.common.testing.fake_samples import FakeSamples
from evenflow.common.testing.fake_snapshots import FakeSnapshots
from evenflow.usage_aggregator.handlers import Pace, Sources, Term
from evenflow.usage_aggregator.metrics import AggregatorMetrics, SnapshotCollector

HALF_LIFE = 100
PACE = Pace(HALF_LIFE * SECOND, 10 * SECOND, 60 * SECOND)
SUBJECT = subject_of(SnapshotTaken, "main")


class Hand:
    """A clock that is set by hand."""

    at = T0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / SECOND


class World:
    """Samples, a store, a log, and aggregators that come and go."""

    def __init__(self) -> None:
        self.samples, self.snapshots, self.log = FakeSamples(), FakeSnapshots(), FakeLog()
        self.clock = Hand()
        self.told: list[tuple[int, float]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def term(self, log_id: str = "log-1") -> Term:
        health = Health("usage-aggregator", "main", "1")
        metrics = Metrics(service="usage-aggregator", shard="main", version="1")
        self.ctx = ServiceContext(
            settings=Settings(), health=health, metrics=metrics, log=structlog.get_logger()
        )
        sources = Sources(
            log_id, self.samples, self.snapshots, self.log,
            self._clock, self._last_taken, self._fence,
        )  # fmt: skip
        return Term(self.ctx, sources, PACE, self.clock, AggregatorMetrics(metrics))

    async def start(self, log_id: str = "log-1") -> Term:
        """A term that folds; polls are made by hand."""
        term = self.term(log_id)
        await term.restore()
        self.tasks.append(asyncio.create_task(term._fold()))
        return term

    def stop(self) -> None:
        while self.tasks:
            self.tasks.pop().cancel()

    async def use(self, seconds: float) -> None:
        """Ten more seconds have passed, and so much was used in them."""
        self.clock.at += 10 * SECOND
        number = len(self.told)
        self.told.append((self.clock.at, seconds))
        entry = UsageEntry("job", "a/b", "a", "ann", {"cpu": seconds})
        sample = UsageSample(
            f"s{number}", self.clock.at - 10 * SECOND, self.clock.at, (entry,), {"cpu": 4.0}
        )
        end = await self.samples.end()
        await self.samples.append(Sampled((sample,)), end.last.sequence if end.last else 0, "test")

    def closed_form(self, since: int = 0) -> float:
        rate = math.log(2) / (HALF_LIFE * SECOND)
        terms = [a * math.exp(-rate * (self.clock.at - end)) for end, a in self.told[since:]]
        return math.fsum(terms) / 3600

    def published(self) -> list[SnapshotTaken]:
        return [codec.decode(m.subject, m.data, m.sequence).fact for m in self.log.messages]

    async def _clock(self) -> ShardClock:
        return ShardClock()

    async def _last_taken(self) -> SnapshotTaken | None:
        found = self.published()
        return found[-1] if found else None

    async def _fence(self):
        return self.log.fence_at(SUBJECT)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.stop()


async def test_a_poll_publishes_the_same_document_to_redis_and_the_log(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    (fact,) = world.published()
    assert fact.document == world.snapshots.kept.document
    assert fact.digest == digest_of(fact.document)
    assert (fact.sequence, fact.generated_at) == (1, world.clock.at)
    assert fact.data_until == world.clock.at
    assert parse_snapshot(fact.document).queues.hours_of("a/b", "cpu") == pytest.approx(5 / 3600)
    assert world.snapshots.lives == [10 * 60]


@pytest.mark.parametrize("is_wiped", [False, True], ids=["state kept", "redis wiped"])
async def test_after_a_restart_usage_is_the_closed_form_and_the_sequence_grows(world, is_wiped):
    term = await world.start()
    for amount in (5, 7, 1):
        await world.use(amount)
        await term.poll()
    world.stop()
    await world.use(3)  # while nobody looks
    if is_wiped:
        world.snapshots.wipe()
    term = await world.start()
    assert term.ledger.cursor == (0 if is_wiped else 3)
    world.clock.at += 5 * SECOND
    await term.poll()
    fact = world.published()[-1]
    found = parse_snapshot(fact.document)
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(world.closed_form(), rel=1e-8)
    assert [fact.sequence for fact in world.published()] == [1, 2, 3, 4]


async def test_a_state_of_another_log_is_not_gone_on_with(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    other = await world.start("log-2")
    assert other.ledger.cursor == 0
    assert not other.ledger.queues


async def test_without_redis_samples_are_folded_and_the_old_snapshot_stays(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    before = world.published()
    world.snapshots.is_away = True
    await world.use(6)
    with pytest.raises(TemporarilyUnavailable):
        await term.poll()
    assert world.published() == before
    assert term.ledger.cursor == 2
    world.snapshots.is_away = False
    await term.poll()
    assert world.published()[-1].data_until == world.clock.at


async def test_an_outage_is_a_reason_not_to_be_ready_and_ends_by_itself(world):
    world.snapshots.is_away = True
    term = world.term()
    serving = asyncio.create_task(term.serve())
    async with asyncio.timeout(5):
        while "usage" not in world.ctx.health.reasons:
            await asyncio.sleep(0)
        world.snapshots.is_away = False
        await world.log.wait_beyond(0)
    assert "usage" not in world.ctx.health.reasons
    serving.cancel()


async def test_generated_at_moves_with_every_poll_and_data_until_only_with_data(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    world.clock.at += 30 * SECOND
    await term.poll()
    first, second = world.published()
    assert second.generated_at - first.generated_at == 30 * SECOND
    assert second.data_until == first.data_until


async def test_who_was_overtaken_is_refused_by_the_log_and_redis_goes_on_above(world):
    old = await world.start()
    new = await world.start()
    await world.use(5)
    await new.poll()
    with pytest.raises(RevisionConflict):
        await old.poll()
    await new.poll()
    assert [fact.sequence for fact in world.published()] == [1, 3]
    assert world.snapshots.kept.document == world.published()[-1].document


async def test_an_empty_system_has_a_fresh_snapshot_of_nothing(world):
    term = await world.start()
    await term.poll()
    assert parse_snapshot(world.published()[0].document).queues.rows == {}


async def test_metrics_show_history_and_age(world):
    term = await world.start()
    SnapshotCollector(lambda: term.snapshot, term.now).register(world.ctx.metrics.registry)
    assert b"historical" not in world.ctx.metrics.render()
    await world.use(20)
    await term.poll()
    world.clock.at += 7 * SECOND
    text = world.ctx.metrics.render().decode()
    assert 'evenflow_queue_historical_usage{queue="a/b",resource="cpu"} 0.5' in text
    assert "evenflow_usage_snapshot_age_seconds 7.0" in text
    assert 'evenflow_usage_samples_total{outcome="folded"} 1.0' in text
