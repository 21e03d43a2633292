"""Everything the routes need, put together once by `app.py` (or by a test)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from starlette.requests import Request

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import FactReader, Origin
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.settings import Settings
from evenflow.gateway.edge.idempotency import Keys
from evenflow.gateway.edge.read_your_writes import SEQUENCE_HEADER, ReadGate
from evenflow.gateway.jobs.commands import Commands
from evenflow.gateway.status.heartbeats import Heartbeats
from evenflow.gateway.usage.report import UsageReporter
from evenflow.gateway.view.reads import Reads

if TYPE_CHECKING:
    from evenflow.gateway.page.documents import LiveState
    from evenflow.gateway.usage.in_use import RecentSnapshots

ACTOR: Final = "gateway"


class ClosableReader(FactReader, Protocol):
    """A reader that one client has for itself."""

    async def close(self) -> None:
        """Stop reading."""


@dataclass(slots=True)
class Pulse:
    """What was folded last, for the status and for streams that look again on change."""

    version: int = 0
    last_cycle_at: Instant | None = None

    def note(self, entry: Entry) -> None:
        """Take notice of a folded entry."""
        self.version += 1
        if isinstance(entry.fact, cycle.Decided):
            self.last_cycle_at = entry.fact.now


@dataclass(slots=True)
class Streams:
    """How many clients listen now."""

    value: int = 0

    async def counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass on what a client gets, and count the client meanwhile."""
        self.value += 1
        try:
            async for piece in pieces:
                yield piece
        finally:
            self.value -= 1


@dataclass(slots=True)
class Gateway:
    """One gateway process."""

    settings: Settings
    health: Health
    metrics: Metrics
    log: Logger
    state: Callable[[], ShardState]
    commands: Commands
    gate: ReadGate
    reads: Reads
    remove: Callable[[str], Awaitable[None]]
    """Remove an ended job from the view."""
    keys: Keys
    heartbeats: Heartbeats
    open_reader: Callable[[int], Awaitable[ClosableReader]]
    ask: Callable[[str, bytes, float], Awaitable[bytes]]
    """`ask(subject, payload, timeout seconds)`: request-reply on the bus; raises NoAnswer."""
    is_bus_connected: Callable[[], bool]
    is_redis_connected: Callable[[], bool]
    stopping: Callable[[], Awaitable[Any]]
    """Returns when the process is told to end: streams end then."""
    reporter: UsageReporter
    snapshots: "RecentSnapshots"
    pulse: Pulse = field(default_factory=Pulse)
    streams: Streams = field(default_factory=Streams)
    live: "LiveState | None" = None
    token: str | None = None

    async def fresh(self, request: Request) -> bool:
        """Wait until the view is new enough for this request; whether the bus is there at all."""
        await self.gate.wait(request.headers.get(SEQUENCE_HEADER))
        return self.is_bus_connected()


def gateway_of(request: Request) -> Gateway:
    """Return the gateway that serves this request."""
    return cast("Gateway", request.app.state.gateway)


def origin_of(request: Request, user: str = "") -> Origin:
    """Return who caused a fact: the user, and the request's id."""
    return Origin(actor=user or ACTOR, correlation_id=request.state.request_id)
