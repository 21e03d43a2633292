"""Real time-series servers for tests, as Debian packages them: on loopback, stopped by their pid.

`make stores` unpacks them below `~/.cache/evenflow-stores`; nothing is installed, nothing started.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from evenflow.common.testing.servers.nats import free_port

FOLDER_VARIABLE: Final = "EVENFLOW_STORES"
HOW_TO_GET: Final = "make stores"

_START_SECONDS: Final = 20.0


def store_program(name: str) -> Path:
    """Find a server's program: on PATH, else where `make stores` puts it.

    Raises:
        FileNotFoundError: it is nowhere; the message says how to get it.
    """
    if on_path := shutil.which(name):
        return Path(on_path)
    default = Path.home() / ".cache/evenflow-stores"
    unpacked = Path(os.environ.get(FOLDER_VARIABLE, default)) / "usr/bin" / name
    if unpacked.is_file():
        return unpacked
    raise FileNotFoundError(f"no {name} on this machine: get it with `{HOW_TO_GET}`")


class StoreServer:
    """One server. Killed and started again it comes back on the same port and data."""

    def __init__(self, directory: Path, name: str, ready_path: str) -> None:
        """Nothing runs before `start`; `arguments` must be set by then."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.directory = directory
        self.arguments: Sequence[str] = ()
        self._name = name
        self._ready = f"{self.url}{ready_path}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start, and return when it answers."""
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own choice of program
                [store_program(self._name), *self.arguments],
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(self._ready, timeout=1).close()  # noqa: S310 - loopback
                return
            time.sleep(0.02)
        self.kill()
        raise TimeoutError(f"{self._name} did not answer: see {self.directory}/server.log")

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Freeze it: it accepts connections and answers nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def post(self, path: str, data: bytes) -> None:
        """Send something to it."""
        request = urllib.request.Request(f"{self.url}{path}", data=data, method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - loopback
            pass


@contextmanager
def prometheus_server(
    *, scrape: str = "", backfill: str = "", options: Sequence[str] = ()
) -> Iterator[StoreServer]:
    """A running Prometheus; `backfill` is OpenMetrics text of what happened hours ago.

    `scrape` is YAML under `scrape_configs`.
    """
    with tempfile.TemporaryDirectory(prefix="evenflow-prometheus-") as name:
        directory, data = Path(name), Path(name) / "data"
        if backfill:
            text = directory / "history.om"
            text.write_text(backfill)
            subprocess.run(  # noqa: S603 - our own choice of program
                [store_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "-q",
                 text, data],
                check=True, capture_output=True,
            )  # fmt: skip
        with prometheus_data(directory, scrape=scrape, options=options) as server:
            yield server


@contextmanager
def prometheus_data(
    directory: Path, *, scrape: str = "", options: Sequence[str] = ()
) -> Iterator[StoreServer]:
    """A running Prometheus on what lies in `directory/data`."""
    server = StoreServer(directory, "prometheus", "/-/ready")
    config, data = directory / "prometheus.yml", directory / "data"
    config.write_text(f"scrape_configs:\n{scrape}" if scrape else "{}\n")
    data.mkdir(exist_ok=True)
    server.arguments = (
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address=127.0.0.1:{server.port}",
        *options,
    )
    yield from _running(server)


@contextmanager
def victoria_metrics_server() -> Iterator[StoreServer]:
    """A running VictoriaMetrics that shows what it was given at once."""
    with tempfile.TemporaryDirectory(prefix="evenflow-victoria-") as name:
        server = StoreServer(Path(name), "victoria-metrics", "/health")
        server.arguments = (
            f"-storageDataPath={name}/data",
            f"-httpListenAddr=127.0.0.1:{server.port}",
            "-retentionPeriod=3",
            "-search.latencyOffset=0s",
        )
        yield from _running(server)


_INFLUX_CONFIG: Final = """
bind-address = "127.0.0.1:{rpc}"
reporting-disabled = true
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


@contextmanager
def influx_server(database: str = "evenflow") -> Iterator[StoreServer]:
    """A running InfluxDB with an empty database."""
    with tempfile.TemporaryDirectory(prefix="evenflow-influx-") as name:
        server = StoreServer(Path(name), "influxd", "/ping")
        config = Path(name) / "influx.conf"
        config.write_text(_INFLUX_CONFIG.format(rpc=free_port(), port=server.port, folder=name))
        server.arguments = ("run", "-config", str(config))
        for running in _running(server):
            running.post("/query", b"q=CREATE%20DATABASE%20" + database.encode())
            yield running


def _running(server: StoreServer) -> Iterator[StoreServer]:
    server.start()
    try:
        yield server
    finally:
        server.resume()
        server.kill()
