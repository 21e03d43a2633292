"""The composition root of the binder: one process that acts for one cluster, or stands by."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from faststream.nats import NatsBroker

from evenflow.binder.config import term_settings
from evenflow.binder.handlers import OutputResponder
from evenflow.binder.metrics import BinderMetrics
from evenflow.binder.shard_time import FoldedTime
from evenflow.binder.term import Term
from evenflow.common.adapters.async_tasks import end_task, end_tasks
from evenflow.common.adapters.log.cursors import Cursor
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.adapters.log.writer import LogWriter
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import EvenflowError, TemporarilyUnavailable
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.ports.lease import LeaseHolder
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.clusters import check_cluster, chosen_cluster
from evenflow.common.runtime.edge_broker import edge_broker
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.common.runtime.settings import Settings

# Local jobs have 10 s between SIGTERM and SIGKILL; their ends are reported after that.
DRAIN_SECONDS: Final = 14.0
_STOP_SECONDS: Final = 12.5
_FLUSH_SECONDS: Final = 3.0  # below the 4 s that remain when the supervisor has died


def main() -> None:
    """Run the binder until it is told to stop."""
    run_service("binder", serve, check=check_cluster, drain_seconds=DRAIN_SECONDS)


async def serve(ctx: ServiceContext) -> None:
    """Follow the log hot; act whenever the cluster's lease is ours."""
    async with connected_log(ctx) as log, _edge_broker(ctx.settings) as edge:
        await Binder(ctx, log, edge).run()


class Binder:
    """What one process does over its life."""

    def __init__(self, ctx: ServiceContext, log: ShardLog, edge: NatsBroker) -> None:
        """Nothing is read or done before `run`."""
        self._ctx = ctx
        self._log = log
        self._clock = SystemClock()
        self._kind, self._setup = chosen_cluster(ctx.settings)
        self._settings = term_settings(ctx.settings, self._kind)
        self._name = f"binder-{self._settings.cluster}"
        self._metrics = BinderMetrics(ctx.metrics)
        self._output = OutputResponder(edge, ctx.settings.shard.name, ctx.metrics)
        self._follower = Follower(
            ctx, log.open_reader, log.log_id, on_folded=self._on_folded, on_batch=self._on_batch
        )
        self._writer: LogWriter = log.writer(self._new_time().now)
        self._term: Term | None = None
        self._time: FoldedTime | None = None  # of the term's executor

    async def run(self) -> None:
        """Stand by and act in turns until the service stops."""
        ctx = self._ctx
        await self._follower.load(self._log.checkpoints.newest)
        ctx.spawn(self._follower.run(), "fold")
        lease = self._log.lease(self._name, ctx.health.instance, on_trouble=ctx.health.note_lease)
        ctx.health.role = "standby"
        if await self._unless_stopping(self._catch_up()):
            ctx.health.started()
        while not ctx.stopping.is_set():
            ctx.health.role = "standby"
            if await self._unless_stopping(lease.acquire()):
                await self._lead(lease)

    async def _lead(self, lease: LeaseHolder) -> None:
        if not await self._unless_stopping(self._catch_up()) or not lease.is_held:
            return
        self._ctx.health.role = "leader"
        self._time = self._new_time()
        executor = self._kind.executor(self._setup, self._time)
        term = self._term = Term(
            self._settings,
            lambda: self._follower.state,
            executor,
            self._writer,
            clock=self._clock,
            log=self._ctx.log,
            metrics=self._metrics,
            save_cursor=self._save_cursor,
            known_cursor=await self._known_cursor(),
        )
        work = asyncio.create_task(term.run(), name="term")
        try:
            await self._output.open(executor)
            lost = asyncio.create_task(lease.wait_lost())
            stop = asyncio.create_task(self._ctx.stopping.wait())
            await asyncio.wait({work, lost, stop}, return_when=asyncio.FIRST_COMPLETED)
            await end_tasks((lost, stop))
            if work.done():
                await work
            elif self._ctx.stopping.is_set():
                await self._drain(term, work)
        finally:
            self._term = self._time = None
            self._ctx.health.role = "standby"
            await end_task(work)
            await self._output.close()
            await executor.close()
            self._metrics.live_runs.set(0)
        await lease.release()

    async def _drain(self, term: Term, work: asyncio.Task[None]) -> None:
        """Drain: stop the work too when that is asked, and report what is known."""
        is_stopping_runs = self._ctx.must_stop_jobs and self._kind.is_this_machine
        drain = term.stop_runs() if is_stopping_runs else term.hand_over()
        draining = asyncio.create_task(drain, name="drain")
        limit = _STOP_SECONDS if is_stopping_runs else _FLUSH_SECONDS
        await asyncio.wait({draining, work}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work  # a failure in the drain is a failure all the same
        if draining.done():
            await draining
        else:
            await end_task(draining)
            # Nothing is lost: the next binder hears from the executor what is missing.
            self._ctx.log.warning("runs_left_behind", alive=term.alive, limit_seconds=limit)

    def _on_folded(self, entry: Entry, outcome: Folded | Void) -> None:
        if self._term is None or isinstance(outcome, Void):
            return
        self._term.mark_changed(entry.sequence, outcome.jobs)
        if outcome.is_clock_touched and self._time is not None:
            self._time.changed()

    async def _on_batch(self) -> None:
        if self._term is not None:
            self._term.carry_out()

    async def _catch_up(self) -> None:
        while True:
            try:
                await self._follower.catch_up()
            except TemporarilyUnavailable as error:
                self._ctx.health.fail("log", str(error))
                await asyncio.sleep(error.retry_after_seconds)
            else:
                self._ctx.health.clear("log")
                return

    async def _known_cursor(self) -> int:
        try:
            cursor = await self._log.cursors.get(self._name)
        except EvenflowError as error:
            self._ctx.log.warning("cursor_not_read", reason=str(error))
            return 0
        return cursor.sequence if cursor and cursor.log_id == self._log.log_id else 0

    async def _save_cursor(self, sequence: int) -> None:
        try:
            await self._log.cursors.put(self._name, Cursor(self._log.log_id, sequence))
        except EvenflowError as error:  # it only bounds what retention may cut
            self._ctx.log.warning("cursor_not_saved", reason=str(error))

    async def _unless_stopping(self, work: Coroutine[Any, Any, None]) -> bool:
        """Wait for `work`; false when the service was told to stop before it was done."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._ctx.stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        await end_task(stop)
        if task.done():
            await task
            return True
        await end_task(task)
        return False

    def _new_time(self) -> FoldedTime:
        return FoldedTime(self._clock, lambda: self._follower.state.clock)


@asynccontextmanager
async def _edge_broker(settings: Settings) -> AsyncIterator[NatsBroker]:
    """The connection for questions. Apart from the log's: neither holds up the other."""
    broker = edge_broker(settings.nats, "binder-edge")
    await broker.connect()
    try:
        yield broker
    finally:
        await broker.stop()
