"""A term of the aggregator on fakes: restarts, outages, and who was first."""

import asyncio
import json
import math
from dataclasses import replace

import pytest
import structlog

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import SECOND, ShardClock
from evenflow.common.domain.errors import InvalidValue, RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.facts.usage import Sampled, SnapshotTaken, UsageEntry, UsageSample
from evenflow.common.domain.usage.snapshot import digest_of, parse_snapshot
from evenflow.common.ports.snapshots import StateForgotten
from evenflow.common.ports.usage_backends import TimeKept
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.builders import T0
from evenflow.common.testing.fakes.log import FakeLog
from evenflow.common.testing.fakes.samples import FakeSamples
from evenflow.common.testing.fakes.snapshots import FakeSnapshots
from evenflow.usage_aggregator.adapters.log import LogStore
from evenflow.usage_aggregator.core.window import Sliding
from evenflow.usage_aggregator.ledger_store import StateDamaged
from evenflow.usage_aggregator.metrics import AggregatorMetrics, SnapshotCollector
from evenflow.usage_aggregator.term import Pace, Sources, Term

HALF_LIFE = 100
WINDOW = Sliding.of(10_000 * SECOND, 10 * SECOND)
PACE = Pace(HALF_LIFE * SECOND, 10 * SECOND, 60 * SECOND, WINDOW)
SUBJECT = subject_of(SnapshotTaken, "main")


class Hand:
    """A clock that is set by hand."""

    at = T0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / SECOND


class Refusing:
    """A log that takes no large facts."""

    async def append_fenced(self, _fact, _fence, _origin):
        raise InvalidValue("fact", "2 MiB", "is larger than the broker takes")


class World:
    """Samples, a store, a log, and aggregators that come and go."""

    def __init__(self) -> None:
        self.samples, self.snapshots, self.log = FakeSamples(), FakeSnapshots(), FakeLog()
        self.clock = Hand()
        self.told: list[tuple[int, float]] = []

    def term(self, log_id: str = "log-1") -> Term:
        health = Health("usage-aggregator", "main", "1")
        metrics = Metrics(service="usage-aggregator", shard="main", version="1")
        self.ctx = ServiceContext(
            settings=Settings(), health=health, metrics=metrics, log=structlog.get_logger()
        )
        sources = Sources(
            log_id=log_id,
            store=LogStore(self.samples),
            backend="log",
            time_kept=TimeKept.SHARD,
            snapshots=self.snapshots,
            writer=self.log,
            clock=self._clock,
            last_taken=self._last_taken,
            fence=self._fence,
        )
        return Term(self.ctx, sources, PACE, self.clock, AggregatorMetrics(metrics))

    async def start(self, log_id: str = "log-1") -> Term:
        """A term whose polls are made by hand."""
        term = self.term(log_id)
        await term.restore()
        return term

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
def world() -> World:
    return World()


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
    await world.use(3)  # while nobody looks
    if is_wiped:
        world.snapshots.wipe()
    term = await world.start()
    assert term.mark == (None if is_wiped else "3")
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
    assert other.mark is None
    assert not other.ledger.slots


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
    assert term.mark == "2"
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


async def test_who_was_overtaken_is_refused_before_he_changes_anything(world):
    old = await world.start()
    new = await world.start()
    await world.use(5)
    await new.poll()
    kept = world.snapshots.kept
    with pytest.raises(RevisionConflict):
        await old.poll()
    assert world.snapshots.kept == kept
    await new.poll()
    assert [fact.sequence for fact in world.published()] == [1, 2]
    assert world.snapshots.kept.document == world.published()[-1].document


async def test_who_was_overtaken_and_finds_the_store_wiped_is_refused_by_the_log(world):
    old = await world.start()
    world.log.messages.clear()
    new = await world.start()
    await world.use(5)
    await new.poll()
    world.snapshots._writer = old._keeper._writer  # as if nobody had claimed it since
    with pytest.raises(RevisionConflict):
        await old.poll()


async def test_a_store_that_is_wiped_between_polls_is_filled_again_from_the_samples(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    world.snapshots.wipe()
    await world.use(7)
    with pytest.raises(StateForgotten):
        await term.poll()
    await term.begin_anew()  # as `serve` does then
    await term.poll()
    found = parse_snapshot(world.published()[-1].document)
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(world.closed_form(), rel=1e-8)
    assert world.snapshots.kept_pieces["series"]


async def test_a_piece_that_is_gone_is_found_out_when_it_is_wanted(world):
    term = await world.start()
    for amount in (5, 7, 1):
        await world.use(amount)
        await term.poll()
    for name in list(world.snapshots.kept_pieces):
        if name.startswith("rows"):
            del world.snapshots.kept_pieces[name]
    world.clock.at += 10_000 * SECOND - 25 * SECOND  # the window's edge is in the first slot
    with pytest.raises(StateDamaged):
        await term.poll()
    await term.begin_anew()  # as `serve` does then
    await term.poll()
    found = parse_snapshot(world.published()[-1].document)
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(
        world.closed_form(since=0), rel=1e-8
    )


async def test_a_clock_that_goes_back_an_hour_stops_time_and_loses_nothing(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    latest = world.clock.at
    world.clock.at -= 3600 * SECOND
    await world.use(7)  # an hour ago, as its clock says
    await term.poll()
    fact = world.published()[-1]
    assert fact.generated_at == latest
    world.clock.at = latest
    found = parse_snapshot(fact.document)
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(world.closed_form(), rel=1e-8)
    assert b"evenflow_usage_clock_jumps_total 1.0" in world.ctx.metrics.render()
    world.clock.at += 3600 * SECOND
    await term.poll()
    assert world.published()[-1].generated_at == world.clock.at


async def test_the_document_names_window_and_backend(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    document = json.loads(world.published()[-1].document)
    assert document["window"] == {"type": "sliding", "size_seconds": 10_000, "anchor": None}
    assert document["backend"] == "log"


async def test_a_snapshot_larger_than_the_broker_takes_is_told_and_not_fatal(world):
    term = await world.start()
    await world.use(5)

    term._from = replace(term._from, writer=Refusing())
    with pytest.raises(TemporarilyUnavailable, match="max_payload"):
        await term.poll()


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
