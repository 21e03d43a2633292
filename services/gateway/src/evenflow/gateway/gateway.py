"""What every noun needs to answer a request, put together once by `assembly.py`.

What only some nouns have, such as `JobCommands`, are parts, found by their type: so the nouns
import this module, and it imports none of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar, cast

from starlette.requests import Request

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import FactReader, Origin
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.reading import Standstill
from evenflow.common.runtime.settings import Settings
from evenflow.gateway.edge.fold_progress import FoldProgress
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.edge.read_your_writes import SEQUENCE_HEADER, ReadYourWrites
from evenflow.gateway.edge.streams import EventStreams
from evenflow.gateway.edge.writer import FactWriter
from evenflow.gateway.view.reads import Reads

ACTOR: Final = "gateway"
Part = TypeVar("Part")


class ClosableReader(FactReader, Protocol):
    """A reader that one client has for itself."""

    async def close(self) -> None:
        """Stop reading."""


@dataclass(slots=True)
class Gateway:
    """One gateway process."""

    settings: Settings
    health: Health
    metrics: Metrics
    log: Logger
    state: Callable[[], ShardState]
    now: Callable[[], Instant]
    """The shard's clock."""
    new_id: Callable[[], str]
    consistency: ReadYourWrites
    writer: FactWriter
    reads: Reads
    open_reader: Callable[[int], Awaitable[ClosableReader]]
    ask: Callable[[str, bytes, float], Awaitable[bytes]]
    """`ask(subject, payload, timeout seconds)`: request-reply on the bus; raises NoAnswer."""
    is_bus_connected: Callable[[], bool]
    stopping: Callable[[], Awaitable[Any]]
    """Returns when the process is told to end: streams end then."""
    standstill: Callable[[], Standstill | None] = lambda: None
    """Where this gateway cannot read the log on; None while it reads."""
    progress: FoldProgress = field(default_factory=FoldProgress)
    streams: EventStreams = field(default_factory=EventStreams)
    _parts: dict[type, object] = field(default_factory=dict)

    def add(self, *parts: object) -> None:
        """Take in what some nouns need, one of a type."""
        self._parts |= {type(part): part for part in parts}

    def part(self, kind: type[Part]) -> Part:
        """Return the part of that type; raises KeyError when none was added."""
        return cast("Part", self._parts[kind])

    async def wait_for_view(self, request: Request) -> bool:
        """Wait until the view is new enough for this request; whether the bus is there at all."""
        await self.consistency.wait(request.headers.get(SEQUENCE_HEADER))
        return self.is_bus_connected()


def gateway_of(request: Request) -> Gateway:
    """Return the gateway that serves this request."""
    return cast("Gateway", request.app.state.gateway)


def origin_of(request: Request) -> Origin:
    """Return who caused a fact: who shows the credential, and the request's id."""
    return Origin(actor=principal_of(request).user, correlation_id=request.state.request_id)
