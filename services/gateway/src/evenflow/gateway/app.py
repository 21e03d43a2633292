"""The composition root of the gateway: opens log and view, serves HTTP and the bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.log.dead_letters import DeadLetters
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import (
    LogCut,
    LogMismatch,
    TemporarilyUnavailable,
    UnreadableMessage,
)
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.http.server import serving
from evenflow.common.runtime.process.async_tasks import first_done
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.common.runtime.reading import LOOK_SECONDS, at_cut
from evenflow.common.runtime.settings import Settings
from evenflow.gateway.alerts.delivery_cursors import BusDeliveryCursors
from evenflow.gateway.alerts.tasks import AlertTasks
from evenflow.gateway.assembly import FoldListeners, assemble
from evenflow.gateway.edge.access import refuse_open_listening
from evenflow.gateway.edge.bus import Bus
from evenflow.gateway.edge.bus_requests import BusRequests, answering, edge_broker
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.bus_requests import answer_job_requests
from evenflow.gateway.metrics import ShardCollector
from evenflow.gateway.startup import enforce_retention, prepare
from evenflow.gateway.status.heartbeats import Heartbeats
from evenflow.gateway.status.redis_probe import RedisProbe
from evenflow.gateway.usage.snapshots import RecentSnapshots
from evenflow.gateway.view.store import Store
from evenflow.gateway.web import make_app

# A base of more jobs takes longer to make than a drain may last; the last one taken serves.
_JOBS_OF_A_LAST_BASE: Final = 200_000


def main() -> None:
    """Run the gateway until it is told to stop."""
    run_service("gateway", serve)


async def serve(ctx: ServiceContext) -> None:
    """Follow the log into the view and answer until the service stops.

    Raises:
        EvenflowError: it shall listen beyond loopback without demanding a token.
    """
    refuse_open_listening(ctx.settings)
    listen = ctx.settings.gateway
    async with connected_log(ctx) as log, _store(ctx.settings) as store:
        alerts = AlertTasks(ctx, store, BusDeliveryCursors(log))
        listeners = FoldListeners(store, alerts)
        follower = Follower(
            ctx,
            log.open_reader,
            log.log_id,
            on_folded=listeners.on_folded,
            on_batch=listeners.on_batch,
        )
        bus, wall = Bus(log), SystemClock()

        def now() -> Instant:
            return follower.state.clock.shard_time(wall.now())

        gateway = assemble(
            ctx, bus=bus, log=log.writer(now), follower=follower, listeners=listeners, now=now
        )
        await bus.subscribe_heartbeats(gateway.part(Heartbeats).note)

        async def begin() -> None:
            await _load(ctx, bus, store, follower)
            await _prime(ctx, bus, listeners.snapshots)
            folds.append(ctx.spawn(follower.run(), "fold"))
            await follower.catch_up()
            await prepare(gateway, store)

        folds: list[asyncio.Task[None]] = []
        begun = ctx.spawn(begin(), "begin")
        helpers = [ctx.spawn(gateway.part(RedisProbe).run(), "redis-probe")]
        # At a standstill it answers all the same: from the view, and to whoever mends the log.
        await first_done(begun, follower.reading.stands.wait(), ctx.stopping.wait())
        ctx.metrics.registry.register(ShardCollector(gateway.state))
        async with (
            _requests_on_bus(gateway, bus),
            serving(make_app(gateway), listen.host, listen.port) as url,
        ):
            ctx.log.info("http_listening", url=url)
            await first_done(begun, ctx.stopping.wait())
            if begun.done() and not begun.exception():
                for name, run in alerts.tasks(
                    gateway,
                    bus.read_alerts_fence,
                    lambda: log.lease("receivers", ctx.health.instance),
                    follower.catch_up,
                ):
                    helpers.append(ctx.spawn(run(), name))
                helpers.append(ctx.spawn(enforce_retention(gateway, store), "retention"))
                ctx.health.started()
            await ctx.stopping.wait()
        await asyncio.gather(*map(end_task, (*helpers, begun)))
        async with follower.folding:  # no batch is half written
            for fold in folds:
                fold.cancel()
            if folds and not follower.is_half_folded:
                await store.write(with_base=len(follower.state.jobs) <= _JOBS_OF_A_LAST_BASE)
        await asyncio.gather(*map(end_task, folds))


async def _load(ctx: ServiceContext, bus: Bus, store: Store, follower: Follower) -> None:
    """Bring state and view together: from the view's base, the log's start, or a checkpoint."""
    log_id = bus.log.log_id
    await bus.skips.refresh()
    reason = await store.open(log_id, await bus.last_sequence())
    while reason and store.is_ahead and not bus.skips.is_dropped(store.cursor.sequence):
        # Facts that were told to clients are gone: a person shall know before they are forgotten.
        follower.reading.tell(at_cut(store.cursor.sequence, LogCut(reason)))
        await asyncio.sleep(LOOK_SECONDS)
        await bus.skips.refresh()
    follower.reading.go_on()
    at = store.cursor.sequence
    if not reason and bus.skips.is_dropped(at, fits=True):
        reason = f"some of what the view was folded from, up to {at}, was lost"
    if reason:
        ctx.log.warning("view_rebuilt", reason=reason)
        await store.clear(log_id)
    try:
        state = await follower.load(store.bases, is_last_resort=False)
    except LogMismatch as error:
        # The view keeps the ended jobs it has; those that ended in between are only in backups.
        ctx.log.warning("view_taken_from_checkpoint", reason=str(error))
        state = await follower.load(bus.log.checkpoints.newest)
    await store.start(state)
    ctx.log.info("view_opened", cursor=store.cursor.sequence, base=state.sequence)


async def _prime(ctx: ServiceContext, bus: Bus, snapshots: RecentSnapshots) -> None:
    """Note the last usage snapshot: behind a base the fold does not meet it again."""
    try:
        entry = await bus.last_snapshot()
    except (TemporarilyUnavailable, UnreadableMessage) as error:
        ctx.log.warning("usage_not_primed", reason=str(error))
    else:
        if entry is not None:
            snapshots.note(entry)


@asynccontextmanager
async def _requests_on_bus(gateway: Gateway, bus: Bus) -> AsyncIterator[None]:
    """Answer requests on the bus, on a connection of their own: they hold up no fact."""
    shard = gateway.settings.shard.name
    broker = edge_broker(gateway.settings.nats)
    dead = DeadLetters(bus.log.connection, shard=bus.log.access.shard, service="gateway")
    requests = BusRequests(
        broker, shard=shard, metrics=gateway.metrics, log=gateway.log, put_aside=dead.put
    )
    answer_job_requests(requests, gateway)
    async with answering(broker):
        yield


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    url = settings.gateway.database_url
    path = settings.data_dir / "gateway" / "view.db"
    if url is None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(
        url.get_secret_value() if url else f"sqlite+aiosqlite:///{path.absolute()}",
        base_every_seconds=settings.checkpoint.every_seconds,
        base_every_facts=settings.checkpoint.every_records,
    )
    try:
        yield store
    finally:
        await store.close()
