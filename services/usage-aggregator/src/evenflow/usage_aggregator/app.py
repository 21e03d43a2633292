"""The usage aggregator as a process: reads settings, connects, leads or stands by."""

import asyncio
from datetime import timedelta
from typing import Final

from evenflow.common.adapters.fence import prove_fence, read_fence
from evenflow.common.adapters.last_fact import last_fact
from evenflow.common.adapters.nats_connection import broker_errors
from evenflow.common.adapters.redis_snapshots import RedisSnapshots, open_redis
from evenflow.common.adapters.samples import SamplesStream
from evenflow.common.adapters.shard_log import ShardLog
from evenflow.common.adapters.streams import log_stream
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import ShardClock
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.facts import clock
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.ports.lease import LeaseHolder
from evenflow.common.ports.log import Fence
from evenflow.common.ports.snapshots import Snapshots
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.service import ServiceContext, run_service
from evenflow.common.runtime.tasks import first_of
from evenflow.usage_aggregator.handlers import Pace, Sources, Term
from evenflow.usage_aggregator.metrics import AggregatorMetrics, SnapshotCollector

LEASE: Final = "usage-aggregator"

_MICROSECOND: Final = timedelta(microseconds=1)


async def serve(ctx: ServiceContext) -> None:
    """Run until asked to stop; a successor goes on from the state in Redis."""
    redis = ctx.settings.redis
    password = redis.password.get_secret_value() if redis.password else None
    async with (
        connected_log(ctx) as log,
        open_redis(redis.url, user=redis.user, password=password) as client,
    ):
        leadership = Leadership(ctx, log, RedisSnapshots(client, ctx.settings.shard.name))
        work = ctx.spawn(leadership.run(log.lease(LEASE, ctx.health.instance)), "lead")
        ctx.health.started()
        await ctx.stopping.wait()
        work.cancel()  # before the log is closed: losing the lease must not look like a defeat
        await asyncio.wait((work,))


class Leadership:
    """Term after term, each from gaining the lease to losing it; between them we stand by."""

    def __init__(self, ctx: ServiceContext, log: ShardLog, snapshots: Snapshots) -> None:
        """Nothing is read before `run`."""
        self._ctx = ctx
        self._log = log
        self._snapshots = snapshots
        self._wall = SystemClock()
        self._metrics = AggregatorMetrics(ctx.metrics)
        self._term: Term | None = None
        self._sources = self._open_sources()
        SnapshotCollector(
            lambda: self._term.snapshot if self._term else None,
            lambda: self._term.now() if self._term else 0,
        ).register(ctx.metrics.registry)

    async def run(self, lease: LeaseHolder) -> None:
        """Lead whenever the lease is ours, until cancelled."""
        while True:
            self._ctx.health.role = "standby"
            await lease.acquire()
            self._ctx.health.role = "leader"
            self._term = Term(self._ctx, self._sources, _pace(self._ctx), self._wall, self._metrics)
            try:
                await self._lead(self._term, lease)
            except RevisionConflict as conflict:
                self._ctx.log.warning("stepped_down", reason=str(conflict))
                await lease.release()
            finally:
                self._term = None
                self._ctx.health.clear("usage")

    async def _lead(self, term: Term, lease: LeaseHolder) -> None:
        await first_of(term.serve(), lease.wait_lost())

    def _open_sources(self) -> Sources:
        log, shard = self._log, self._ctx.settings.shard.name
        return Sources(
            log_id=log.log_id,
            samples=SamplesStream(log.connection, shard, log.samples_writer(self._wall.now)),
            snapshots=self._snapshots,
            writer=log.writer(lambda: self._term.now() if self._term else self._wall.now()),
            clock=self._shard_clock,
            last_taken=self._last_taken,
            fence=self._fence,
        )

    async def _shard_clock(self) -> ShardClock:
        shard = self._ctx.settings.shard.name
        entry = await last_fact(self._log.connection, log_stream(shard), shard, clock.Set)
        if entry is None:
            return ShardClock()
        return ShardClock(entry.fact.wall_at, entry.fact.shard_at, entry.fact.rate)

    async def _last_taken(self) -> SnapshotTaken | None:
        shard = self._ctx.settings.shard.name
        entry = await last_fact(self._log.connection, log_stream(shard), shard, SnapshotTaken)
        return entry.fact if entry is not None else None

    async def _fence(self) -> Fence:
        shard = self._ctx.settings.shard.name
        subject = subject_of(SnapshotTaken, shard)
        with broker_errors("proving the fence"):
            await prove_fence(self._log.connection.js)
        return await read_fence(self._log.connection.js, log_stream(shard), subject)


def _pace(ctx: ServiceContext) -> Pace:
    usage = ctx.settings.usage
    return Pace(
        half_life_us=usage.half_life // _MICROSECOND,
        poll_us=usage.poll_interval // _MICROSECOND,
        max_staleness_us=usage.max_staleness // _MICROSECOND,
    )


def main() -> None:
    """Entry point of `evenflow-usage-aggregator`."""
    run_service("usage-aggregator", serve)
