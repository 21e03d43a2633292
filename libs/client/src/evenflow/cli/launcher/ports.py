"""Ports nobody uses, and the one the gateway gets."""

import random
import socket
from collections.abc import Callable, Iterable
from typing import Final

from evenflow.cli.launcher.errors import CannotStart

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
