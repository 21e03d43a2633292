"""One connection to NATS, as all of Evenflow needs it: it never gives up, it knows its state."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.domain.errors import (
    AccessDenied,
    TemporarilyUnavailable,
    UnsupportedServer,
)

MINIMUM_VERSION = (2, 12, 0)  # fences over wildcards, and atomic batches for large gangs
REQUEST_TIMEOUT_SECONDS = (
    2.0  # a request in flight while the broker dies waits this long, so keep it short
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in: a NATS credentials file, or user and password; nothing for an open server."""

    user: str = ""
    password: str = field(default="", repr=False)
    file: Path | None = None

    def options(self) -> dict[str, str]:
        """Return nats-py's connect options."""
        if self.file:
            return {"user_credentials": str(self.file)}
        return {"user": self.user, "password": self.password} if self.user else {}


OPEN_SERVER = Credentials()


class NatsConnection:
    """A connection that reconnects for ever and fails fast in between.

    Nothing is buffered while the broker is away: a late copy of an old request is worse than an
    error.
    """

    def __init__(self, name: str) -> None:
        """Use `connect`; `name` shows in the broker's monitoring."""
        self.name = name
        self.client = Client()
        self._listeners: list[Callable[[], None]] = []
        self._connected = asyncio.Event()
        self._refused = asyncio.Event()
        self.closed = asyncio.Event()
        """Set when the connection is over for good: closed by us, or expelled by the broker."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker answers, as far as is known: part of a service's readiness."""
        return self._connected.is_set() and self.client.is_connected

    @property
    def js(self) -> JetStreamContext:
        """JetStream with short timeouts."""
        return self.client.jetstream(timeout=REQUEST_TIMEOUT_SECONDS)

    async def wait_connected(self) -> None:
        """Return as soon as the broker is there.

        Raises:
            TemporarilyUnavailable: the connection is over, it will not come back.
        """
        await self._connected.wait()
        if self.closed.is_set():
            raise TemporarilyUnavailable(f"connection {self.name} to NATS is closed")

    def on_reconnected(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each reconnection. Returns the function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def close(self) -> None:
        """Send what is left and close; closing twice is fine."""
        self._connected.clear()  # so that the end is not reported as a loss
        if not self.client.is_closed:
            try:
                await (self.client.drain() if self.client.is_connected else self.client.close())
            except (nats.errors.Error, OSError):
                await self.client.close()
        await self._on_closed()

    async def open(self, url: str, credentials: Credentials) -> None:
        """Connect for the first time; see `connect`. Ends at once when the broker turns us away."""
        connecting = asyncio.create_task(self._connect(url, credentials))
        refused = asyncio.create_task(self._refused.wait())
        try:
            await asyncio.wait({connecting, refused}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise nats.errors.AuthorizationError
            await connecting
        finally:
            await end_task(connecting)
            await end_task(refused)
        self._connected.set()

    async def _connect(self, url: str, credentials: Credentials) -> None:
        await self.client.connect(
            servers=url.split(","),
            name=self.name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # it is slept, so fractions work
            connect_timeout=2,
            ping_interval=2,  # a broker that is frozen or cut off is noticed in about six seconds
            max_outstanding_pings=2,
            drain_timeout=5,
            pending_size=0,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            error_cb=self._on_error,
            **credentials.options(),  # type: ignore[arg-type]  # each option has its own type
        )

    async def _on_disconnected(self) -> None:
        if self._connected.is_set():
            _log.warning("broker_disconnected", connection=self.name)
        self._connected.clear()

    async def _on_reconnected(self) -> None:
        _log.info("broker_reconnected", connection=self.name)
        self._connected.set()
        for listener in tuple(self._listeners):
            listener()

    async def _on_closed(self) -> None:
        self.closed.set()
        self._connected.set()  # wakes who waits; `closed` tells them that it is over

    async def _on_error(self, error: Exception) -> None:
        _log.debug("broker_error", connection=self.name, error=repr(error))
        if "authorization" in str(error).lower():
            self._refused.set()  # nats-py would try the same credentials for ever


@contextmanager
def broker_errors(doing: str) -> Iterator[None]:
    """Turn what nats-py raises into `TemporarilyUnavailable`, which says what was being done."""
    try:
        yield
    except (nats.errors.Error, OSError) as error:
        raise TemporarilyUnavailable(f"{doing}: NATS does not answer ({error!r})") from error


async def connect(
    url: str,
    credentials: Credentials = OPEN_SERVER,
    *,
    name: str,
    patience_seconds: float = 10.0,
) -> NatsConnection:
    """Connect to NATS; `url` may name several servers, separated by commas.

    Raises:
        TemporarilyUnavailable: no server answered within `patience_seconds`.
        AccessDenied: the broker does not accept these credentials.
        UnsupportedServer: the broker is too old for the fence.
    """
    connection = NatsConnection(name)
    try:
        async with asyncio.timeout(patience_seconds):
            await connection.open(url, credentials)
    except (TimeoutError, OSError, nats.errors.Error) as error:
        await connection.close()
        if isinstance(error, nats.errors.AuthorizationError):
            raise AccessDenied(
                f"NATS at {url} refuses the credentials of {name!r}: check user, password or file"
            ) from error
        raise TemporarilyUnavailable(
            f"no NATS server answers at {url} ({error or 'timed out'}): start it or correct the URL"
        ) from error
    try:
        _require_version(connection)
    except UnsupportedServer:
        await connection.close()
        raise
    return connection


def _require_version(connection: NatsConnection) -> None:
    version = connection.client.connected_server_version
    found = (version.major, version.minor, version.patch)
    if found < MINIMUM_VERSION:
        needed = ".".join(map(str, MINIMUM_VERSION))
        raise UnsupportedServer(
            f"the NATS server is version {'.'.join(map(str, found))}, "
            f"Evenflow needs {needed} or newer: upgrade it"
        )
