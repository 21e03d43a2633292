"""A term of leadership, poll by poll: what it publishes, outages, odd clocks, metrics."""

import asyncio
import json
from dataclasses import replace

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue, TemporarilyUnavailable
from evenflow.common.domain.usage.snapshot import digest_of, parse_snapshot
from evenflow.usage_aggregator.metrics import SnapshotCollector


class Refusing:
    """A log that takes no large facts."""

    async def append_fenced(self, _fact, _fence, _origin):
        raise InvalidValue("fact", "2 MiB", "is larger than the broker takes")


async def test_a_poll_publishes_the_same_document_to_redis_and_the_log(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    (fact,) = world.published()
    assert world.documents()[-1] == world.snapshots.kept.document
    assert fact.digest == digest_of(world.documents()[-1])
    assert (fact.sequence, fact.generated_at) == (1, world.clock.at)
    assert fact.data_until == world.clock.at
    assert parse_snapshot(world.documents()[-1]).queues.hours_of("a/b", "cpu") == pytest.approx(
        5 / 3600
    )
    assert world.snapshots.lives == [10 * 60]


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
    found = parse_snapshot(world.documents()[-1])
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(world.closed_form(), rel=1e-8)
    assert b"evenflow_usage_clock_jumps_total 1.0" in world.ctx.metrics.render()
    world.clock.at += 3600 * SECOND
    await term.poll()
    assert world.published()[-1].generated_at == world.clock.at


async def test_the_document_names_window_and_backend(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    document = json.loads(world.documents()[-1])
    assert document["window"] == {"type": "sliding", "size_seconds": 10_000, "anchor": None}
    assert document["backend"] == "log"


async def test_a_snapshot_larger_than_the_broker_takes_is_told_and_not_fatal(world):
    term = await world.start()
    await world.use(5)

    term._ports = replace(term._ports, writer=Refusing())
    with pytest.raises(TemporarilyUnavailable, match="max_payload"):
        await term.poll()


async def test_an_empty_system_has_a_fresh_snapshot_of_nothing(world):
    term = await world.start()
    await term.poll()
    assert parse_snapshot(world.documents()[0]).queues.rows == {}


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
