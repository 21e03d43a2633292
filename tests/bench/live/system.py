"""A whole one-machine system for a measurement: started, asked, looked at, stopped."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

READY_SECONDS = 180


class System:
    """A running `evenflow up` over a simulated fleet."""

    def __init__(
        self, url: str, data: Path, process: subprocess.Popen[bytes], ready: float
    ) -> None:
        self.url = url
        self.data = data
        self.process = process
        self.ready_seconds = ready
        token = (data / "secrets" / "token").read_text().strip()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=self.headers, timeout=120)

    def status(self) -> dict[str, Any]:
        return self.http.get("/api/v1/status").raise_for_status().json()

    def pids(self) -> dict[str, int]:
        return {name: each["pid"] for name, each in self.status()["services"].items()}

    def resident_mib(self) -> dict[str, float]:
        """Resident memory of each service, MiB."""
        return {name: rss_mib(pid) for name, pid in self.pids().items() if pid}

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time used so far by each service and by the servers, seconds."""
        used = {name: _cpu_seconds(pid) for name, pid in self.pids().items() if pid}
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in map(int, children.split()):
            program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            if program.endswith("nats-server"):
                used["nats-server"] = _cpu_seconds(pid)
        return used

    def wait_empty(self) -> None:
        """Wait until no job waits or runs."""
        while True:
            counts = self.status()["scheduler"]
            if not counts["pending_jobs"] and not counts["running_jobs"]:
                return
            time.sleep(0.05)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def a_system(cluster: str = "simulated:100x8", **environment: str) -> Iterator[System]:
    """Start a system with its own data, stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="evenflow-bench-") as scratch:
        home = Path(scratch)
        name = f"bench-{os.getpid()}-{home.name[-8:]}"
        running = home / "share" / "evenflow" / "running" / f"{name}.json"
        command = [sys.executable, "-m", "evenflow.cli.main", "up", "--name", name]
        command += ["--data-dir", str(home / "data"), "--cluster", cluster]
        log = (home / "up.log").open("wb")
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=os.environ | {"XDG_DATA_HOME": str(home / "share")} | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = _wait_ready(process, running, home / "up.log")
            yield System(url, home / "data", process, time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()


def _wait_ready(process: subprocess.Popen[bytes], running: Path, log: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if running.exists() and b"is ready at" in log.read_bytes():
            return json.loads(running.read_text())["url"]
        time.sleep(0.05)
    raise RuntimeError(f"the system did not get ready:\n{log.read_text()}")


def simulated_job(number: int, *, seconds: float = 0.0, **fields: Any) -> dict[str, Any]:
    """A submission that runs on one virtual GPU for `seconds`."""
    return {
        "name": f"bench-{number}",
        "cpu_request": 1,
        "memory_request": 1,
        "gpu_request": 1,
        "executor_config": {"run_seconds": seconds},
    } | fields
