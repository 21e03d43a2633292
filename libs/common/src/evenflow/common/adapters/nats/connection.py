"""One connection to NATS, as all of Evenflow needs it: it never gives up, it knows its state."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.nats.accounts.verbs import NATIVE_PREFIX
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
    ca_file: Path | None = None
    """Signs the servers' certificates; None: the system's own authorities."""
    cert_file: Path | None = None
    """Our certificate, where the server demands one, with `key_file`."""
    key_file: Path | None = None
    api_prefix: str = ""
    """What JetStream's API is called for this login; empty: its own name."""
    connect_timeout_seconds: float = 2.0

    def options(self, url: str = "") -> dict[str, Any]:
        """Return nats-py's connect options, those of TLS included.

        Raises:
            AccessDenied: a file of a certificate or of credentials cannot be used.
        """
        options: dict[str, Any] = {"connect_timeout": self.connect_timeout_seconds}
        if self.file:
            if not self.file.is_file():
                raise AccessDenied(f"nats.credentials_file {self.file} is not there: correct it")
            options["user_credentials"] = str(self.file)
        elif self.user:
            options |= {"user": self.user, "password": self.password}
        if "tls://" in url or self.ca_file or self.cert_file:
            options["tls"] = self._tls()
        return options

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(
                f"nats.{name} {path}"
                for name, path in (
                    ("ca_file", self.ca_file),
                    ("cert_file", self.cert_file),
                    ("key_file", self.key_file),
                )
                if path
            )
            raise AccessDenied(f"cannot be used for TLS: {files} ({error}): correct it") from error
        return context


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
        self.api_prefix = NATIVE_PREFIX
        self._listeners: list[Callable[[], None]] = []
        self._connected = asyncio.Event()
        self._refused = asyncio.Event()
        self._refusal: Exception = nats.errors.AuthorizationError()
        self.closed = asyncio.Event()
        """Set when the connection is over for good: closed by us, or expelled by the broker."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker answers, as far as is known: part of a service's readiness."""
        return self._connected.is_set() and self.client.is_connected

    @property
    def js(self) -> JetStreamContext:
        """JetStream with short timeouts."""
        return self.client.jetstream(timeout=REQUEST_TIMEOUT_SECONDS, prefix=self.api_prefix)

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
        self.api_prefix = credentials.api_prefix or NATIVE_PREFIX
        connecting = asyncio.create_task(self._connect(url, credentials.options(url)))
        refused = asyncio.create_task(self._refused.wait())
        try:
            await asyncio.wait({connecting, refused}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise self._refusal
            await connecting
        finally:
            await end_task(connecting)
            await end_task(refused)
        self._connected.set()

    async def _connect(self, url: str, options: dict[str, Any]) -> None:
        await self.client.connect(
            servers=[server.strip() for server in url.split(",")],
            name=self.name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # it is slept, so fractions work
            ping_interval=2,  # a broker that is frozen or cut off is noticed in about six seconds
            max_outstanding_pings=2,
            drain_timeout=5,
            pending_size=0,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            error_cb=self._on_error,
            **options,
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
        elif isinstance(error, ssl.SSLError):
            self._refusal = error
            self._refused.set()


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
    except ssl.SSLError as error:
        await connection.close()
        raise AccessDenied(
            f"TLS with NATS at {shown_url(url)} fails ({error.reason or error}): check "
            "nats.ca_file, nats.cert_file and nats.key_file, and the name in the URL"
        ) from error
    except (TimeoutError, OSError, nats.errors.Error) as error:
        await connection.close()
        if isinstance(error, nats.errors.AuthorizationError):
            raise AccessDenied(
                f"NATS at {shown_url(url)} refuses the credentials of {name!r}: "
                "check user, password or file"
            ) from error
        raise TemporarilyUnavailable(
            f"no NATS server answers at {shown_url(url)} ({error or 'timed out'}): "
            "start it or correct the URL"
        ) from error
    try:
        _require_version(connection)
    except UnsupportedServer:
        await connection.close()
        raise
    return connection


def shown_url(url: str) -> str:
    """Return the URL as it may be shown: without user, password or token."""
    return ",".join(_without_user(server.strip()) for server in url.split(","))


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _require_version(connection: NatsConnection) -> None:
    version = connection.client.connected_server_version
    found = (version.major, version.minor, version.patch)
    if found < MINIMUM_VERSION:
        needed = ".".join(map(str, MINIMUM_VERSION))
        raise UnsupportedServer(
            f"the NATS server is version {'.'.join(map(str, found))}, "
            f"Evenflow needs {needed} or newer: upgrade it"
        )
