"""The composition root of the gateway: opens log and view, serves HTTP and the bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from faststream.nats import NatsBroker, NatsMessage
from faststream.security import SASLPlaintext

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.adapters.log.dead_letters import DeadLetters
from evenflow.common.adapters.nats.connection import broker_errors
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.adapters.tasks import end_task
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import (
    EvenflowError,
    LogMismatch,
    TemporarilyUnavailable,
    UnreadableMessage,
)
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.http.server import serving
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.common.runtime.settings import Settings
from evenflow.gateway.alerts.delivery_cursors import DeliveryBook
from evenflow.gateway.alerts.tasks import Alerts
from evenflow.gateway.edge.bus import Bus
from evenflow.gateway.edge.bus_requests import RequestDesk
from evenflow.gateway.edge.idempotency import Keys
from evenflow.gateway.edge.read_your_writes import ReadGate
from evenflow.gateway.gateway import Gateway, Pulse
from evenflow.gateway.jobs.commands import Commands
from evenflow.gateway.metrics import ShardCollector
from evenflow.gateway.queues.commands import Definer
from evenflow.gateway.startup import keep_small, prepare
from evenflow.gateway.status.clock_differences import ClockDifferences
from evenflow.gateway.status.heartbeats import Heartbeats
from evenflow.gateway.status.redis_probe import RedisProbe
from evenflow.gateway.usage.in_use import RecentSnapshots
from evenflow.gateway.usage.report import UsageReporter
from evenflow.gateway.view.reads import Reads
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
    listen = ctx.settings.gateway
    if not listen.require_token and not _is_loopback(listen.host):
        raise EvenflowError(
            f"gateway.host {listen.host} is not loopback: set gateway.require_token and "
            "gateway.token_file, or listen on 127.0.0.1"
        )
    async with connected_log(ctx) as log, _store(ctx.settings) as store:
        heard, alerts = Heard(), Alerts(ctx, store, DeliveryBook(log))

        def on_folded(entry: Entry, outcome: Folded | Void) -> None:
            store.note(entry, outcome)
            heard.note(entry)
            alerts.note(entry, outcome)

        async def on_batch() -> None:
            await store.write()
            alerts.written()

        follower = Follower(
            ctx, log.open_reader, log.log_id, on_folded=on_folded, on_batch=on_batch
        )
        bus = Bus(log)
        await _load(ctx, bus, store, follower)
        await _prime(ctx, bus, heard)
        probe = RedisProbe(ctx.settings.redis)
        gateway = _assemble(ctx, bus, store, follower, probe=probe, heard=heard)
        await bus.hear_heartbeats(gateway.heartbeats.heard)
        fold = ctx.spawn(follower.run(), "fold")
        helpers = [ctx.spawn(probe.run(), "redis-probe")]
        await follower.catch_up()
        await prepare(gateway, store)
        ctx.metrics.registry.register(ShardCollector(gateway.state))
        helpers.append(ctx.spawn(keep_small(gateway, store), "retention"))
        for name, run in alerts.runs(
            gateway.commands,
            bus.read_alerts_fence,
            lambda: log.lease("receivers", ctx.health.instance),
            follower.catch_up,
        ):
            helpers.append(ctx.spawn(run(), name))
        async with (
            _edge(gateway, bus),
            serving(make_app(gateway), listen.host, listen.port) as url,
        ):
            ctx.log.info("http_listening", url=url)
            ctx.health.started()
            await ctx.stopping.wait()
        await asyncio.gather(*map(end_task, helpers))
        async with follower.folding:  # no batch is half written
            fold.cancel()
            await store.write(with_base=len(follower.state.jobs) <= _JOBS_OF_A_LAST_BASE)
        await end_task(fold)


def _assemble(
    ctx: ServiceContext,
    bus: Bus,
    store: Store,
    follower: Follower,
    *,
    probe: RedisProbe,
    heard: "Heard",
) -> Gateway:
    settings, wall = ctx.settings, SystemClock()

    def now() -> Instant:
        return follower.state.clock.shard_time(wall.now())

    def state() -> ShardState:
        return follower.state  # a base replaces it once, at the start

    gate = ReadGate(follower.reach)
    writer = bus.log.writer(now)
    commands = Commands(
        state=state,
        log=writer,
        gate=gate,
        definer=Definer(state, writer, gate, bus.read_fence),
        now=now,
        new_id=IdMaker().new,
        default_executor=settings.cluster_choice.kind,
        is_bus_connected=lambda: bus.is_connected,
    )
    return Gateway(
        settings=settings,
        health=ctx.health,
        metrics=ctx.metrics,
        log=ctx.log,
        state=state,
        commands=commands,
        gate=gate,
        reads=Reads(store.engine),
        remove=store.remove,
        keys=Keys(store),
        heartbeats=Heartbeats(clocks=ClockDifferences(ctx.metrics)),
        open_reader=bus.open_reader,
        ask=bus.ask,
        is_bus_connected=lambda: bus.is_connected,
        is_redis_connected=lambda: probe.is_connected,
        stopping=ctx.stopping.wait,
        reporter=UsageReporter(store.engine, state, store.changes.live, follower.folding),
        snapshots=heard.snapshots,
        pulse=heard.pulse,
        token=_token(settings),
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """What was folded last, for those who ask for the present."""

    pulse: Pulse = field(default_factory=Pulse)
    snapshots: RecentSnapshots = field(default_factory=RecentSnapshots)

    def note(self, entry: Entry) -> None:
        """Take notice of a folded entry."""
        self.pulse.note(entry)
        self.snapshots.note(entry)


async def _prime(ctx: ServiceContext, bus: Bus, heard: Heard) -> None:
    """Hear the last usage snapshot: behind a base the fold does not meet it again."""
    try:
        entry = await bus.last_snapshot()
    except (TemporarilyUnavailable, UnreadableMessage) as error:
        ctx.log.warning("usage_not_primed", reason=str(error))
    else:
        if entry is not None:
            heard.note(entry)


async def _load(ctx: ServiceContext, bus: Bus, store: Store, follower: Follower) -> None:
    """Bring state and view together: from the view's base, the log's start, or a checkpoint."""
    log_id = bus.log.log_id
    if reason := await store.open(log_id, await bus.last_sequence()):
        ctx.log.warning("view_rebuilt", reason=reason)
        await store.clear(log_id)
    try:
        state = await follower.load(store.bases())
    except LogMismatch as error:
        # The view keeps the ended jobs it has; those that ended in between are only in backups.
        ctx.log.warning("view_taken_from_checkpoint", reason=str(error))
        state = await follower.load(bus.log.checkpoints.newest())
    await store.start(state)
    ctx.log.info("view_opened", cursor=store.cursor.sequence, base=state.sequence)


@asynccontextmanager
async def _edge(gateway: Gateway, bus: Bus) -> AsyncIterator[None]:
    """Answer requests on the bus, on a connection of their own: they hold up no fact."""
    nats = gateway.settings.nats
    password = nats.password.get_secret_value() if nats.password else ""
    broker = NatsBroker(
        nats.servers,
        name="evenflow-gateway-edge",
        security=SASLPlaintext(nats.user, password) if nats.user else None,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        logger=None,
        decoder=_as_it_is,
    )
    dead = DeadLetters(bus.log.connection, shard=bus.log.access.shard, service="gateway")
    RequestDesk(broker, gateway, dead.put)
    await broker.start()
    try:
        yield
    finally:
        # It cannot drain while the broker is away; nothing of ours is lost with it.
        with suppress(TemporarilyUnavailable), broker_errors("leaving the broker"):
            await broker.stop()


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


def _token(settings: Settings) -> str | None:
    """Return the token that clients must show.

    Raises:
        EvenflowError: it is demanded, and its file cannot be read or is empty.
    """
    gateway = settings.gateway
    if not gateway.require_token or gateway.token_file is None:
        return None
    try:
        token = gateway.token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EvenflowError(f"token_file {gateway.token_file}: {error.strerror}") from error
    if not token:
        raise EvenflowError(f"token_file {gateway.token_file} is empty")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _as_it_is(message: NatsMessage) -> bytes:
    """Leave reading to the handler: what breaks in FastStream's own decoder is never answered."""
    return message.body
