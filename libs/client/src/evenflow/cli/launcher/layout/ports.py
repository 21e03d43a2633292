"""Ports nobody uses, and the one the gateway gets."""

import fcntl
import os
import random
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.errors import CannotStart

LOOPBACK: Final = "127.0.0.1"
GATEWAY_PORT: Final = 8600
# Below every system's range of ephemeral ports: a client that reconnects to a port of that range
# while its server is down can meet itself there, and then the server cannot come back.
_QUIET_PORTS: Final = range(15_000, 30_000)
_TRIES: Final = 200


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    """Return a free loopback port, none of `taken`.

    Raises:
        CannotStart: none was found.
    """
    avoided = set(taken)
    for port in random.sample(_QUIET_PORTS, _TRIES):
        if port not in avoided and is_free(port):
            return port
    raise CannotStart(f"found no free port in {_QUIET_PORTS.start}-{_QUIET_PORTS.stop - 1}")


class UsualPort:
    """One supervisor's claim to the usual port, from before its gateway listens until it ends.

    Without it two systems that start together would both find the port free, and the gateway that
    comes second would fail.
    """

    def __init__(self, directory: Path) -> None:
        """Claims of one `directory` exclude each other."""
        self._file = directory / f"port-{GATEWAY_PORT}.lock"
        self._held: int | None = None

    def claim(self) -> bool:
        """Whether the port is this supervisor's to use."""
        if self._held is None:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                return False
            self._held = handle
        return True

    def release(self) -> None:
        """Let another system have the port."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


def gateway_port(
    wanted: int | None, free: Callable[[int], bool], fallback: Callable[[], int]
) -> int:
    """Return the gateway's port: the wanted one, else the usual one if free, else another.

    Raises:
        CannotStart: the wanted one is taken.
    """
    if wanted:
        if free(wanted):
            return wanted
        raise CannotStart(f"port {wanted} is taken: choose another with --port, or leave it out")
    return GATEWAY_PORT if wanted is None and free(GATEWAY_PORT) else fallback()
