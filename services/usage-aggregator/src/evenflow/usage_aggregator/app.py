"""The usage aggregator as a process: reads settings, connects, leads or stands by."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.log.extent import refuse_when_full
from evenflow.common.adapters.log.samples import SamplesStream
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.adapters.log.single_facts import last_fact
from evenflow.common.adapters.nats.fence import read_fence
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.adapters.redis_snapshots import RedisSnapshots, open_redis
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts.base_note import clock_in_note
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import ShardClock
from evenflow.common.domain.errors import RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.facts import clock
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.ports.lease import LeaseHolder
from evenflow.common.ports.log import Fence
from evenflow.common.ports.snapshots import Snapshots
from evenflow.common.ports.usage_backends import BackendSetup
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.cursor_keeping import CursorKeeper
from evenflow.common.runtime.process.async_tasks import first_of
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.usage_aggregator.config import (
    MICROSECOND,
    backend_of,
    check_usage,
    has_future_anchor,
    window_of,
)
from evenflow.usage_aggregator.metrics import AggregatorMetrics, SnapshotCollector
from evenflow.usage_aggregator.term import Term, TermPorts, TermSettings

LEASE: Final = "usage-aggregator"

_CLOCK_PAUSE_SECONDS: Final = 0.5


async def serve(ctx: ServiceContext) -> None:
    """Run until asked to stop; a successor goes on from the state in Redis."""
    redis = ctx.settings.redis
    password = redis.password.get_secret_value() if redis.password else None
    async with (
        connected_log(ctx) as log,
        open_redis(redis.url, user=redis.user, password=password, ca_file=redis.ca_file) as client,
    ):
        leadership = Leadership(ctx, log, RedisSnapshots(client, ctx.settings.shard.name))
        cursor = CursorKeeper(log.cursors, log.log_id, LEASE, leadership.position, ctx.log)
        ctx.spawn(cursor.run(), "cursor")
        lease = log.lease(LEASE, ctx.health.instance, on_trouble=ctx.health.note_lease)
        work = ctx.spawn(leadership.run(lease), "lead")
        ctx.health.started()
        await ctx.stopping.wait()
        # Before the log is closed: losing the lease must not look like a defeat.
        await end_task(work)


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
        self._looked_at: int | None = None
        self._shown: ShardClock | None = None
        self._samples = SamplesStream(
            log.connection, ctx.settings.shard.name, log.samples_writer(self._wall.now)
        )
        self._writer = log.writer(lambda: self._term.now() if self._term else self._wall.now())
        SnapshotCollector(
            lambda: self._term.snapshot if self._term else None,
            lambda: self._term.now() if self._term else 0,
        ).register(ctx.metrics.registry)

    def position(self) -> int | None:
        """Return where the log ended when it was looked at last; None: not yet.

        Nothing of it is read here but what is newest of a kind, and that may be cut all the same.
        """
        return self._looked_at

    async def run(self, lease: LeaseHolder) -> None:
        """Lead whenever the lease is ours, until cancelled."""
        while True:
            self._ctx.health.role = "standby"
            await lease.acquire()
            self._ctx.health.role = "leader"
            try:
                await first_of(self._lead(), lease.wait_lost())
            except RevisionConflict as conflict:
                self._ctx.log.warning("stepped_down", reason=str(conflict))
                await lease.release()
            finally:
                self._term = None
                self._ctx.health.clear("usage")

    async def _lead(self) -> None:
        async with self._open_ports() as ports:
            self._term = Term(
                self._ctx, ports, _term_settings(self._ctx), self._wall, self._metrics
            )
            await self._term.serve()

    @asynccontextmanager
    async def _open_ports(self) -> AsyncIterator[TermPorts]:
        usage = self._ctx.settings.usage
        kind, options = backend_of(usage)
        clock = await self._known_clock()
        now = clock.shard_time(self._wall.now())
        if has_future_anchor(usage, now):
            self._ctx.log.warning("usage_window_not_begun", anchor=usage.tumbling_window_anchor)
        if usage.max_staleness == usage.poll_interval:
            self._ctx.log.warning("usage_staleness_raised", seconds=usage.poll_interval.seconds)
        history_us = max(0, now - window_of(usage).edge(now)) // clock.rate
        step_us = usage.poll_interval // MICROSECOND // clock.rate
        async with kind.open(BackendSetup(options, step_us, history_us, self._samples)) as store:
            yield TermPorts(
                log_id=self._log.log_id,
                store=store,
                backend=kind.name,
                time_kept=kind.time_kept,
                snapshots=self._snapshots,
                writer=self._writer,
                clock=self._shard_clock,
                last_number=self._last_number,
                fence=self._fence,
                begin_of_log=self._begin_of_log,
            )

    async def _begin_of_log(self) -> int:
        extent = await self._log.extent()
        self._looked_at = extent.last
        refuse_when_full(extent)
        return extent.first

    async def _known_clock(self) -> ShardClock:
        while True:
            try:
                return await self._shard_clock()
            except TemporarilyUnavailable as error:
                self._ctx.health.fail("usage", str(error))
                await asyncio.sleep(_CLOCK_PAUSE_SECONDS)

    async def _shard_clock(self) -> ShardClock:
        shard = self._ctx.settings.shard.name
        entry = await last_fact(self._log.connection, log_stream(shard), shard, clock.Set)
        if entry is not None:
            self._shown = ShardClock(entry.fact.wall_at, entry.fact.shard_at, entry.fact.rate)
        elif self._shown is None:  # never set, or so long ago that it was cut: then bases tell
            note = await self._log.checkpoints.newest_note()
            self._shown = clock_in_note(note) or ShardClock()
        return self._shown

    async def _last_number(self) -> int:
        """Return a number that no snapshot is above: no number is given twice."""
        taken = await self._last_taken()
        if taken is not None:
            return taken.sequence
        first, last = await self._log.bounds()
        # Each snapshot was a fact. What was cut may have held some.
        return last if first > 1 else 0

    async def _last_taken(self) -> SnapshotTaken | None:
        shard = self._ctx.settings.shard.name
        entry = await last_fact(self._log.connection, log_stream(shard), shard, SnapshotTaken)
        return entry.fact if entry is not None else None

    async def _fence(self) -> Fence:
        shard = self._ctx.settings.shard.name
        subject = subject_of(SnapshotTaken, shard)
        return await read_fence(self._log.connection.js, log_stream(shard), subject)


def _term_settings(ctx: ServiceContext) -> TermSettings:
    usage = ctx.settings.usage
    return TermSettings(
        half_life_us=usage.half_life // MICROSECOND,
        poll_us=usage.poll_interval // MICROSECOND,
        max_staleness_us=usage.max_staleness // MICROSECOND,
        window=window_of(usage),
    )


def main() -> None:
    """Entry point of `evenflow-usage-aggregator`."""
    run_service("usage-aggregator", serve, check=check_usage)
