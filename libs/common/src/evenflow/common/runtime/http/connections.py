"""Bounds on connections of HTTP: how many, how slow a head, how large, how long one takes nothing.

What one request may cost is for the application to say; here it is about who never sends one whole.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

_LINGER_SECONDS: Final = 5.0  # a refused or closed client may read the rest for so long


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one server allows."""

    total: int = 900
    of_a_peer: int = 450
    head_seconds: float = 20.0
    head_bytes: int = 64 * 1024
    stalled_seconds: float = 30.0
    """A client that takes nothing of what is sent to it is cut off after this."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """The connections of these are those of many: only the total counts for them."""


@dataclass(slots=True)
class Connections:
    """The connections that one server has now, by peer."""

    limits: ConnectionLimits
    peer_of: Callable[[asyncio.Transport], object]
    total: int = 0
    by_peer: Counter[object] = field(default_factory=Counter)

    def enter(self, peer: object) -> bool:
        """Count a connection; False, and not counted, when it is one too many."""
        is_full = self.total >= self.limits.total
        is_greedy = self.by_peer[peer] >= self.limits.of_a_peer and not self._is_many(peer)
        if is_full or is_greedy:
            return False
        self.total += 1
        self.by_peer[peer] += 1
        return True

    def leave(self, peer: object) -> None:
        """A counted connection has ended."""
        self.total -= 1
        self.by_peer[peer] -= 1
        if not self.by_peer[peer]:
            del self.by_peer[peer]

    def _is_many(self, peer: object) -> bool:
        """Whether many people come by this one peer."""
        if not self.limits.proxies or not isinstance(peer, str):
            return False
        return any(ip_address(peer) in network for network in self.limits.proxies)


def address_of(transport: asyncio.Transport) -> object:
    """Return the address at the other end, without its port."""
    name = transport.get_extra_info("peername")
    return name[0] if isinstance(name, tuple) else name


def bounded(
    limits: ConnectionLimits,
    *,
    peer_of: Callable[[asyncio.Transport], object] = address_of,
    protocol: "type[BoundedProtocol] | None" = None,
) -> Any:
    """Return what uvicorn takes as `http`: the connections of one server, bounded together."""
    return partial(protocol or BoundedProtocol, connections_now=Connections(limits, peer_of))


class BoundedProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]  # chosen at run time
    """uvicorn's protocol with patience that ends."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    cycle: Any

    def __init__(self, *args: Any, connections_now: Connections, **kwargs: Any) -> None:
        """Belong to the connections of one server."""
        super().__init__(*args, **kwargs)
        self._now = connections_now
        self._peer: object = None
        self._is_counted = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take it, or say that there are too many."""
        super().connection_made(transport)
        self._peer = self._now.peer_of(transport)
        self._is_counted = self._now.enter(self._peer)
        if not self._is_counted:
            self._refuse(503, "Service Unavailable", "too many connections; try again")
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        if self._is_counted:
            self._is_counted = False
            self._now.leave(self._peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head has to be whole in time."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._is_before_request:
            self._head_is_whole()
            return
        self._head_bytes += len(data)
        if self._head_bytes > self._now.limits.head_bytes:
            limit = self._now.limits.head_bytes
            self._refuse(431, "Request Header Fields Too Large", f"a head is at most {limit} bytes")
        elif self._head_timer is None:
            self._await_head()

    def pause_writing(self) -> None:
        """The client reads too slowly: it has some time to take anything."""
        super().pause_writing()
        if self._stall_timer is None:
            seconds = self._now.limits.stalled_seconds
            self._stall_timer = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It took enough."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came: close, and do not wait for who does not read the rest."""
        super().timeout_keep_alive_handler()
        self._end_soon()

    @property
    def _is_before_request(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._now.limits.head_seconds, self._head_is_late)

    def _head_is_whole(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._is_before_request and not self.transport.is_closing():
            self._refuse(408, "Request Timeout", "the head of the request took too long")

    def _refuse(self, status: int, phrase: str, text: str) -> None:
        body = text.encode()
        retry = "Retry-After: 1\r\n" if status == 503 else ""  # noqa: PLR2004 - as HTTP has it
        head = (
            f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain\r\n{retry}"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._end_soon()

    def _end_soon(self) -> None:
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
