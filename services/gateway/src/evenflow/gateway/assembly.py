"""The gateway and its parts, put together around a log and a view. Opens nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import FactLog, Fence
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.reading import Standstill
from evenflow.common.runtime.settings.sections.gateway import GatewaySettings
from evenflow.gateway.access.commands import Access
from evenflow.gateway.access.entrance import Entrance
from evenflow.gateway.access.peers import peer_attestor
from evenflow.gateway.alerts.tasks import AlertTasks
from evenflow.gateway.edge.budget import RequestBudget
from evenflow.gateway.edge.fold_progress import FoldProgress
from evenflow.gateway.edge.idempotency import IdempotencyKeys
from evenflow.gateway.edge.read_your_writes import ReadYourWrites
from evenflow.gateway.edge.writer import FactWriter
from evenflow.gateway.gateway import ClosableReader, Gateway
from evenflow.gateway.jobs.commands import JobCommands
from evenflow.gateway.log.care import CareBus, LogCare
from evenflow.gateway.log.room import LogPlace, LogRoom
from evenflow.gateway.oidc.service import Oidc
from evenflow.gateway.page.live import LiveState
from evenflow.gateway.queues.commands import QueueCommands
from evenflow.gateway.status.clock_differences import ClockDifferences
from evenflow.gateway.status.heartbeats import Heartbeats
from evenflow.gateway.status.redis_probe import RedisProbe
from evenflow.gateway.usage.report import UsageReporter
from evenflow.gateway.usage.snapshots import RecentSnapshots
from evenflow.gateway.view.reads import Reads
from evenflow.gateway.view.store import Store


class GatewayBus(CareBus, Protocol):
    """What a gateway asks of the bus beside appending; see `edge/bus.py`."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""

    async def read_definitions_fence(self) -> Fence:
        """Return the fence of the queue definitions as it stands now."""

    async def open_reader(self, after: int) -> ClosableReader:
        """Open a reader that ends with its client."""

    async def ask(self, subject: str, payload: bytes, seconds: float) -> bytes:
        """Ask a service and return its answer; raises NoAnswer."""


@dataclass(slots=True)
class FoldListeners:
    """Those who take notice of every folded entry, and of every batch that was written."""

    store: Store
    alerts: AlertTasks
    progress: FoldProgress = field(default_factory=FoldProgress)
    snapshots: RecentSnapshots = field(default_factory=RecentSnapshots)

    def on_folded(self, entry: Entry, outcome: Folded | Void) -> None:
        """Take notice of a folded entry."""
        self.store.note(entry, outcome)
        self.progress.note(entry)
        self.snapshots.note(entry)
        self.alerts.note(entry, outcome)

    async def on_batch(self) -> None:
        """Write what was noted."""
        await self.store.write()
        self.alerts.written()


def assemble(
    ctx: ServiceContext,
    *,
    bus: GatewayBus,
    log: FactLog,
    follower: Follower,
    listeners: FoldListeners,
    now: Callable[[], Instant],
    access: Access,
    oidc: Oidc | None = None,
    place: LogPlace | None = None,
    sent: Callable[[], int] = lambda: 0,
) -> Gateway:
    """Return a gateway with the parts of all nouns.

    `now` is the shard's clock, `place` its log, `sent` the bytes that `log` has appended.
    """

    def state() -> ShardState:
        return follower.state  # a base replaces it once, at the start

    def is_bus_connected() -> bool:
        return bus.is_connected

    store = listeners.store
    consistency = ReadYourWrites(follower.reach)

    def standstill() -> Standstill | None:
        return follower.reading.standstill

    room = LogRoom(place, sent)
    writer = FactWriter(log, consistency, is_bus_connected, room.check, standstill)
    gateway = Gateway(
        settings=ctx.settings,
        health=ctx.health,
        metrics=ctx.metrics,
        log=ctx.log,
        state=state,
        now=now,
        new_id=IdMaker().new,
        consistency=consistency,
        writer=writer,
        reads=Reads(store.engine),
        open_reader=bus.open_reader,
        ask=bus.ask,
        is_bus_connected=is_bus_connected,
        stopping=ctx.stopping.wait,
        standstill=standstill,
        progress=listeners.progress,
    )
    queues = QueueCommands(state, writer, bus.read_definitions_fence)
    gateway.add(
        access,
        entrance_of(ctx.settings.gateway, access, oidc),
        IdempotencyKeys(store),
        RequestBudget(ctx.settings.gateway.requests_per_second),
        queues,
        JobCommands(gateway, queues, store.remove),
        listeners.snapshots,
        UsageReporter(store.engine, state, store.changes.live, follower.folding),
        Heartbeats(clocks=ClockDifferences(ctx.metrics)),
        RedisProbe(ctx.settings.redis),
        LiveState(gateway),
        LogCare(bus, log, lambda: store.cursor.sequence, gateway.reads.submitted_between),
        room,
    )
    if oidc is not None:
        gateway.add(oidc)
    return gateway


def entrance_of(settings: GatewaySettings, access: Access, oidc: Oidc | None) -> Entrance:
    """Return who knows people: our own tokens, the kernel, an identity provider."""
    bearers = None if oidc is None else oidc.bearers
    return Entrance(
        access.credentials,
        is_open=not settings.require_token,
        attestors=(peer_attestor(settings),),
        foreign=None if bearers is None else (bearers.prepare, bearers.principal_of),
    )
