"""Serve an ASGI app on a Unix socket whose kernel says who connects: no token is needed there.

A request's `scope["state"]["peer"]` is a `Peer` when it came by such a socket, and is not there
otherwise: no header can set it.
"""

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.http.connections import BoundedProtocol, ConnectionLimits, bounded
from evenflow.common.runtime.http.server import OwnServer, serving_with

PEER: Final = "peer"
_BACKLOG: Final = 1024
_CREDENTIALS: Final = struct.Struct("3i")
_DIRECTORY_MODE: Final = 0o755
_SOCKET_MODE: Final = 0o666  # others may connect; what they may do then is told by who they are


class SocketRefused(EvenflowError):
    """The socket cannot be where the settings want it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process at the other end, as the kernel saw it when it connected."""

    pid: int
    uid: int
    gid: int


class PeerProtocol(BoundedProtocol):
    """uvicorn's protocol, which also asks the kernel who connected."""

    app_state: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Note the peer in what every request of this connection carries as its state."""
        state: dict[str, Any] = self.app_state
        self.app_state = {**state, PEER: peer_of(transport.get_extra_info("socket"))}
        super().connection_made(transport)


def peer_of(connection: socket.socket) -> Peer:
    """Return the credentials of the process that connected."""
    if hasattr(socket, "SO_PEERCRED"):
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return Peer(*_CREDENTIALS.unpack(raw))
    raise SocketRefused("this system does not say who connects to a Unix socket")


def listen_at(path: Path) -> tuple[socket.socket, os.stat_result]:
    """Return a listening socket at `path`, which all accounts may connect to, and which file it is.

    Raises:
        SocketRefused: the path is something else, belongs to a live server, or is too long.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        raise SocketRefused("gateway.socket: this system does not say who connects to it")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(_DIRECTORY_MODE)
        _clear(path)
        listener.bind(str(path))
        path.chmod(_SOCKET_MODE)
        made = path.stat()
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise SocketRefused(f"gateway.socket {path}: cannot listen there: {reason}") from error
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener, made


@contextlib.asynccontextmanager
async def serving_peers(
    app: ASGIApp, path: Path, limits: ConnectionLimits | None = None
) -> AsyncIterator[None]:
    """Serve `app` at a Unix socket while the context is open.

    Raises:
        SocketRefused: see `listen_at`.
    """
    listener, made = listen_at(path)
    http = bounded(limits or ConnectionLimits(), peer_of=_account_of, protocol=PeerProtocol)
    config: Any = uvicorn.Config(
        app,
        http=http,
        proxy_headers=False,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
    )
    try:
        async with serving_with(OwnServer(config), listener, str(path)):
            yield
    finally:
        _remove(path, made)


def closed_above(path: Path) -> Path | None:
    """Return the directory above `path` through which other accounts cannot come; None: none."""
    for parent in reversed(path.absolute().parents):
        with contextlib.suppress(OSError):
            if not parent.stat().st_mode & stat.S_IXOTH:
                return parent
    return None


def _account_of(transport: asyncio.Transport) -> object:
    return peer_of(transport.get_extra_info("socket")).uid


def _remove(path: Path, made: os.stat_result) -> None:
    """Remove our socket; one that a successor made there stays."""
    with contextlib.suppress(OSError):
        if os.path.samestat(made, path.stat()):
            path.unlink()


def _clear(path: Path) -> None:
    """Remove what a dead server left; refuse everything else."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketRefused(f"gateway.socket {path}: something else is there; remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise SocketRefused(f"gateway.socket {path}: another server listens there")
