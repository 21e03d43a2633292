"""The exporter as a process: reads settings, opens log and cluster, observes and samples."""

import asyncio
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.log.checkpoints import CheckpointStore
from evenflow.common.adapters.log.samples import SamplesStream
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import Instant, ShardClock
from evenflow.common.domain.errors import LogMismatch, TemporarilyUnavailable
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.clusters import check_cluster, chosen_cluster
from evenflow.common.runtime.cursor_keeping import CursorKeeper
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.pacing import until_next_poll
from evenflow.common.runtime.process.async_tasks import first_of
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.exporter.adapters.influx import InfluxPush
from evenflow.exporter.cluster_watch import ClusterWatch
from evenflow.exporter.core.sampling import capacity_of, in_base_units
from evenflow.exporter.core.totals import UsageTotals, load_totals
from evenflow.exporter.metrics import ExporterCollector
from evenflow.exporter.sampler import Sampler, checkpoints_up_to

READER: Final = "exporter"
KEEP_SECONDS: Final = 300.0
OBSERVE_SECONDS: Final = 5.0  # wall: machines fail on it, whatever the shard's clock shows

_MICROSECOND: Final = timedelta(microseconds=1)


async def serve(ctx: ServiceContext) -> None:
    """Run until asked to stop. Nothing is flushed then: the next start computes what is missing."""
    async with connected_log(ctx) as log:
        work = ctx.spawn(_export(ctx, log), "export")
        await ctx.stopping.wait()
        await end_task(work)  # before the log is closed under it


async def _export(ctx: ServiceContext, log: ShardLog) -> None:
    wall = SystemClock()
    checkpoints = CheckpointStore(
        log.connection, shard=ctx.settings.shard.name, log_id=log.log_id, owner="exporter"
    )
    totals = await _kept_totals(ctx, checkpoints)
    sampler = Sampler(ctx, _samples(ctx, log, wall), wall, totals)
    follower = Follower(ctx, log.open_reader, log.log_id, on_folded=sampler.on_folded)
    await _load(ctx, log, follower, sampler)
    await sampler.count_stream()
    max_jobs = ctx.settings.export.max_job_series
    collector = ExporterCollector(lambda: follower.state, totals, sampler.running, max_jobs)
    collector.register(ctx.metrics.registry)
    push = InfluxPush(
        ctx,
        ctx.settings.export.influx,
        totals,
        lambda: in_base_units(capacity_of(follower.state.nodes.values())),
    )

    def now() -> Instant:
        return follower.state.clock.shard_time(wall.now())

    async def begin() -> None:
        await follower.catch_up()
        sampler.caught_up()
        kind, setup = chosen_cluster(ctx.settings)
        watch = ClusterWatch(ctx, kind.name, kind.observer(setup), follower, log.writer(now))
        await watch.observe()
        ctx.health.started()
        await first_of(
            _observe(watch),
            _sample(ctx, follower, sampler, lambda: push.ticked(wall.now())),
            CursorKeeper(log.cursors, log.log_id, READER, sampler.position, ctx.log).run(),
            _keep_totals(ctx, checkpoints, totals),
            push.run(),
        )

    await first_of(follower.run(), begin())


async def _kept_totals(ctx: ServiceContext, checkpoints: CheckpointStore) -> UsageTotals:
    async for sequence, data in checkpoints.newest():
        totals = load_totals(await asyncio.to_thread(zlib.decompress, data))
        if totals is not None:
            return totals
        ctx.log.warning("totals_unusable", sequence=sequence)
    return UsageTotals()


async def _keep_totals(
    ctx: ServiceContext, checkpoints: CheckpointStore, totals: UsageTotals
) -> None:
    """Keep the counters now and then: a restart counts only the samples after that."""
    sequence = totals.sequence
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        if totals.sequence == sequence:
            continue
        sequence, data = totals.sequence, totals.dump()
        try:
            await checkpoints.save(sequence, await asyncio.to_thread(zlib.compress, data, 1))
        except TemporarilyUnavailable as error:
            ctx.log.warning("totals_not_kept", reason=str(error))


def _samples(ctx: ServiceContext, log: ShardLog, wall: SystemClock) -> SamplesStream:
    # Stamped with the wall clock: samples carry instants of their own.
    return SamplesStream(log.connection, ctx.settings.shard.name, log.samples_writer(wall.now))


async def _load(ctx: ServiceContext, log: ShardLog, follower: Follower, sampler: Sampler) -> None:
    """Begin at or before the last sample; where the log reaches less far back, begin anew."""
    highest = await sampler.read_last_sample()
    try:
        state = await follower.load(
            lambda: checkpoints_up_to(log.checkpoints.newest(), highest), is_last_resort=False
        )
    except LogMismatch as error:
        ctx.log.warning("samples_too_old", reason=str(error))
        sampler.begin_anew()
        state = await follower.load(log.checkpoints.newest)
    sampler.begin(state)


async def _observe(watch: ClusterWatch) -> None:
    while True:
        await asyncio.sleep(OBSERVE_SECONDS)
        await watch.observe()


async def _sample(
    ctx: ServiceContext,
    follower: Follower,
    sampler: Sampler,
    ticked: Callable[[], None],
) -> None:
    interval_us = ctx.settings.usage.poll_interval // _MICROSECOND

    async def clock() -> ShardClock:
        return follower.state.clock

    while True:
        await until_next_poll(interval_us, clock)
        if follower.reading.standstill:
            continue  # what ended meanwhile is not known; the next sample tells of it all
        await sampler.tick()
        ticked()


def main() -> None:
    """Entry point of `evenflow-exporter`."""
    run_service("exporter", serve, check=check_cluster)
