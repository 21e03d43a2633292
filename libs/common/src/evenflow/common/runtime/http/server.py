"""Serve an ASGI app inside the service's own event loop, on a port known before it answers."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.http.connections import ConnectionLimits, bounded

_BACKLOG: Final = 2048
_DRAIN_SECONDS: Final = 5  # answers under way get this long; event streams are cut then


class PortTaken(EvenflowError):
    """The address to listen on belongs to somebody else."""


class OwnServer(uvicorn.Server):
    """uvicorn inside a service: it leaves signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals as they are."""
        # Signals belong to process.service, which drains the whole process in order.
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; port 0 takes a free one.

    Raises:
        PortTaken: the port is in use, or the host is not an address of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # asyncio sets TCP_NODELAY only where the protocol is named: without, an answer in two
        # writes waits 40 ms for the client's delayed acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    drain_seconds: int = _DRAIN_SECONDS,
    limits: ConnectionLimits | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve `app` while the context is open; gives its URL. Ends after answers under way.

    Of the proxies that `limits` names is believed for whom they ask; of nobody without.

    Raises:
        PortTaken: see `listen`.
    """
    listener = listen(host, port)
    limits = limits or ConnectionLimits()
    config = uvicorn.Config(
        app,
        http=bounded(limits),
        proxy_headers=bool(limits.proxies),
        forwarded_allow_ips=[str(network) for network in limits.proxies],
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        log_config=None,
        access_log=False,
        lifespan="auto",
        timeout_graceful_shutdown=drain_seconds,
    )
    async with serving_with(OwnServer(config), listener, f"{host}:{port}"):
        yield url_of(listener, "http" if tls is None else "https")


@contextlib.asynccontextmanager
async def serving_with(
    server: OwnServer, listener: socket.socket, where: str
) -> AsyncIterator[None]:
    """Let a server answer on a listening socket while the context is open; `where` names it."""
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"http:{where}")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(0.005)
        if task.done():
            await task
            raise EvenflowError(f"the HTTP application on {where} did not start")
        yield
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listener.close()


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return the URL that reaches a listening socket from this machine."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:
        host = "::1" if isinstance(address, IPv6Address) else "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
