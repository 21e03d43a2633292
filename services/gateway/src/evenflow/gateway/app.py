"""The composition root of the gateway: opens log and view, serves HTTP and the bus."""

import asyncio
import hashlib
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from starlette.types import ASGIApp

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.log.dead_letters import DeadLetters
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.adapters.nats.stream_names import access_bucket
from evenflow.common.adapters.nats.watched_bucket import WatchedBucket
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import (
    LogCut,
    LogMismatch,
    TemporarilyUnavailable,
    UnreadableMessage,
)
from evenflow.common.domain.state.usage_documents import SnapshotFacts
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.clusters import check_cluster
from evenflow.common.runtime.cursor_keeping import CursorKeeper
from evenflow.common.runtime.edge_broker import edge_broker
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.http.peers import closed_above, serving_peers
from evenflow.common.runtime.http.server import serving
from evenflow.common.runtime.process.async_tasks import first_done
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.common.runtime.reading import LOOK_SECONDS, at_cut
from evenflow.common.runtime.settings import Settings
from evenflow.gateway.access.bootstrap import OPEN_ADVICE, bootstrap_of, refuse_open_listening
from evenflow.gateway.access.commands import Access
from evenflow.gateway.access.credentials import Credentials
from evenflow.gateway.access.entrance import Entrance
from evenflow.gateway.access.tasks import look_after
from evenflow.gateway.alerts.delivery_cursors import BusDeliveryCursors
from evenflow.gateway.alerts.tasks import AlertTasks
from evenflow.gateway.assembly import FoldListeners, assemble
from evenflow.gateway.edge.budget import RequestBudget
from evenflow.gateway.edge.bus import Bus
from evenflow.gateway.edge.bus_requests import BusRequests, answering
from evenflow.gateway.edge.listening import check_listening, limits_of, tls_of
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.bus_requests import answer_job_requests
from evenflow.gateway.log.room import LogRoom
from evenflow.gateway.metrics import ShardCollector
from evenflow.gateway.oidc.service import oidc_of
from evenflow.gateway.startup import enforce_retention, prepare
from evenflow.gateway.status.heartbeats import Heartbeats
from evenflow.gateway.status.processes import RestartCollector
from evenflow.gateway.status.redis_probe import RedisProbe
from evenflow.gateway.usage.bus_requests import answer_usage_requests
from evenflow.gateway.usage.snapshots import RecentSnapshots
from evenflow.gateway.view.database.engine import shown_url
from evenflow.gateway.view.store import Store
from evenflow.gateway.web import make_app
from evenflow.gateway.why.bus_requests import answer_why_requests

# A base of more jobs takes longer to make than a drain may last; the last one taken serves.
_JOBS_OF_A_LAST_BASE: Final = 200_000


def main() -> None:
    """Run the gateway until it is told to stop."""
    run_service("gateway", serve, check=check_gateway)


def check_gateway(settings: Settings) -> None:
    """Judge before anything is started.

    Raises:
        InvalidSettings: the kind of cluster refuses its settings, or the certificate is none.
    """
    check_cluster(settings)
    check_listening(settings.gateway)


async def serve(ctx: ServiceContext) -> None:
    """Follow the log into the view and answer until the service stops.

    Raises:
        EvenflowError: it shall listen beyond loopback without demanding a token, or the file of
            the token cannot be read.
    """
    refuse_open_listening(ctx.settings)
    listen = ctx.settings.gateway
    async with (
        connected_log(ctx) as log,
        _store(ctx.settings) as store,
        oidc_of(ctx.settings.auth.oidc) as oidc,
    ):
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

        credentials = Credentials(bootstrap_of(ctx.settings, ctx.log), wall.now, ctx.log)
        if credentials.bootstrap is None:
            ctx.health.warn("access", OPEN_ADVICE)
        bucket = WatchedBucket(log.connection, access_bucket(log.access.shard), credentials.note)
        access = Access(credentials, bucket, ctx.settings.gateway.session_lifetime.total_seconds())
        writer = log.writer(now)
        gateway = assemble(
            ctx,
            bus=bus,
            log=writer,
            follower=follower,
            listeners=listeners,
            now=now,
            access=access,
            oidc=oidc,
            place=log,
            sent=lambda: writer.sent_bytes,
        )
        await bus.subscribe_heartbeats(gateway.part(Heartbeats).note)

        async def begin() -> None:
            await _load(ctx, bus, store, follower)
            await _prime(ctx, bus, listeners.snapshots, follower.state.usage_facts)
            helpers.append(ctx.spawn(_keep_cursor(ctx, log, store), "cursor"))
            folds.append(ctx.spawn(follower.run(), "fold"))
            await follower.catch_up()
            await prepare(gateway, store)

        folds: list[asyncio.Task[None]] = []
        helpers = [ctx.spawn(gateway.part(RedisProbe).run(), "redis-probe")]
        begun = ctx.spawn(begin(), "begin")
        helpers.append(ctx.spawn(bucket.run(), "access"))
        helpers.append(ctx.spawn(look_after(access, ctx.log), "access-keeping"))
        helpers.append(ctx.spawn(gateway.part(LogRoom).run(), "log-room"))
        await bucket.loaded()
        # At a standstill it answers all the same: from the view, and to whoever mends the log.
        await first_done(begun, follower.reading.stands.wait(), ctx.stopping.wait())
        ctx.metrics.registry.register(ShardCollector(gateway.state))
        ctx.metrics.registry.register(RestartCollector())
        app = make_app(gateway)
        async with (
            _requests_on_bus(gateway, bus),
            serving(
                app, listen.host, listen.port, limits=limits_of(listen), tls=tls_of(listen)
            ) as url,
            _socket(ctx, app),
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


async def _keep_cursor(ctx: ServiceContext, log: ShardLog, store: Store) -> None:
    reader = f"gateway-{view_name(ctx.settings)}"
    await CursorKeeper(log.cursors, log.log_id, reader, store.position, ctx.log).run()


async def _load(ctx: ServiceContext, bus: Bus, store: Store, follower: Follower) -> None:
    """Bring state and view together: from the view's base, the log's start, or a checkpoint."""
    log_id = bus.log.log_id
    await bus.skips.refresh()
    reason, cursor = await store.open(log_id, await bus.last_sequence()), store.cursor
    at, told_of, is_lost = cursor.sequence, cursor.last_loss, store.is_ahead
    if not reason and not await bus.holds(cursor.last_event):
        is_lost = True
        reason = f"fact {cursor.last_event[0]}, which the view has folded, is not in the log"
    while reason and is_lost and not bus.skips.is_dropped(at, told_of=told_of):
        # Facts that were told to clients are gone: a person shall know before they are forgotten.
        follower.reading.tell(at_cut(at, LogCut(reason)))
        await asyncio.sleep(LOOK_SECONDS)
        await bus.skips.refresh()
    follower.reading.go_on()
    if not reason and bus.skips.is_dropped(at, fits=True, told_of=told_of):
        reason = f"some of what the view was folded from, up to {at}, was lost"
    if reason:
        ctx.log.warning("view_rebuilt", reason=reason)
        await store.clear(log_id)
    try:
        state = await follower.load(lambda: _bases(bus, store), is_last_resort=False)
    except LogMismatch as error:
        # The view keeps the ended jobs it has; those that ended in between are only in backups.
        ctx.log.warning("view_taken_from_checkpoint", reason=str(error))
        # The oldest: the more of the log is folded, the more ended jobs the view shows.
        state = await follower.load(bus.log.checkpoints.oldest)
    await store.start(state)
    ctx.log.info("view_opened", cursor=store.cursor.sequence, base=state.sequence)


async def _bases(bus: Bus, store: Store) -> AsyncIterator[tuple[int, bytes]]:
    """Yield states at or before the view's cursor: its own first, then those of the engine."""
    async for found in store.bases():
        yield found
    if store.cursor.sequence:
        async for found in bus.log.checkpoints.newest(store.cursor.sequence):
            yield found


async def _prime(
    ctx: ServiceContext, bus: Bus, snapshots: RecentSnapshots, known: SnapshotFacts
) -> None:
    """Note the last usage snapshot: behind a base the fold does not meet it again.

    `known` is what the base remembers; one of an older release remembers none.
    """
    if known:
        snapshots.begin(known)
        return
    try:
        entry = await bus.last_snapshot()
    except (TemporarilyUnavailable, UnreadableMessage) as error:
        ctx.log.warning("usage_not_primed", reason=str(error))
    else:
        if entry is not None and not entry.fact.whole_at:
            snapshots.note(entry)


@asynccontextmanager
async def _requests_on_bus(gateway: Gateway, bus: Bus) -> AsyncIterator[None]:
    """Answer requests on the bus, on a connection of their own: they hold up no fact."""
    shard = gateway.settings.shard.name
    broker = edge_broker(gateway.settings.nats, "evenflow-gateway-edge")
    dead = DeadLetters(bus.log.connection, shard=bus.log.access.shard, service="gateway")
    requests = BusRequests(
        broker,
        shard=shard,
        metrics=gateway.metrics,
        log=gateway.log,
        put_aside=dead.put,
        identify=gateway.part(Entrance).of_bus_header,
        budget=gateway.part(RequestBudget),
    )
    answer_job_requests(requests, gateway)
    answer_why_requests(requests, gateway)
    answer_usage_requests(requests, gateway)
    async with answering(broker):
        yield


def view_path(settings: Settings) -> Path:
    """Return where the view is, when it is a file."""
    return settings.data_dir / "gateway" / "view.db"


def view_name(settings: Settings) -> str:
    """Return what names this gateway's view among readers of the log, the same at each start."""
    url = settings.gateway.database_url
    place = shown_url(make_url(url.get_secret_value())) if url else view_path(settings).absolute()
    return hashlib.sha256(f"{platform.node()} {place}".encode()).hexdigest()[:8]


@asynccontextmanager
async def _socket(ctx: ServiceContext, app: ASGIApp) -> AsyncIterator[None]:
    """Let other accounts of this machine in by the kernel's word, where the settings say so."""
    path = ctx.settings.gateway.socket
    if path is None:
        yield
        return
    async with serving_peers(app, path, limits_of(ctx.settings.gateway)):
        ctx.log.info("socket_listening", path=str(path))
        if (closed := closed_above(path)) is not None:
            ctx.log.warning("socket_out_of_reach", path=str(path), closed=str(closed))
        yield


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    url = settings.gateway.database_url
    path = view_path(settings)
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
