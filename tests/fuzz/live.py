"""A whole system for a fuzzer to be thrown at, and whether it is still well."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from evenflow.client.discovery.running import RunningSystem, running_systems

_START_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Live:
    """A running system and how it is reached."""

    state: RunningSystem
    data: Path

    @property
    def token(self) -> str:
        """The administrator's token."""
        return Path(self.state.token_file).read_text(encoding="utf-8").strip()

    @property
    def nats_url(self) -> str:
        """Where the broker listens."""
        return self.state.nats_url

    @property
    def nats_login(self) -> dict[str, str]:
        """The outsider's login."""
        password = Path(self.state.nats_password_file).read_text(encoding="utf-8").strip()
        return {"user": self.state.nats_user, "password": password}

    def trouble(self) -> str:
        """Return what is wrong with the system; "" when all is well."""
        try:
            headers = {"Authorization": f"Bearer {self.token}"}
            status = httpx.get(
                f"{self.state.url}/api/v1/status", headers=headers, timeout=20
            ).json()
        except (httpx.HTTPError, ValueError) as error:
            return f"the gateway does not answer: {error!r}"
        if status["restarts"]:
            return f"started again: {status['restarts']}"
        lost = {
            name: service["state"]
            for name, service in status["services"].items()
            if service["state"] != "ready"
        }
        return f"not ready: {lost}" if lost else ""

    def tracebacks(self) -> list[str]:
        """Return the errors that the services logged as their own."""
        found = []
        for log in sorted((self.data / "logs").glob("*.log")):
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [
                f"{log.name}: {line[:400]}"
                for line in lines
                if re.search(r'"(request_failed|task_failed)"', line) and '"exception"' in line
            ]
        return found


@contextlib.contextmanager
def live_system() -> Iterator[Live]:
    """Run `evenflow up` on simulated nodes, in a directory of its own, and stop it by its pid."""
    with tempfile.TemporaryDirectory(prefix="evenflow-fuzz-") as folder:
        root = Path(folder)
        environment = {**os.environ, "XDG_DATA_HOME": str(root / "home")}
        command = [sys.executable, "-m", "evenflow.cli.main", "up"]
        options = ["--cluster", "simulated:4x8", "--data-dir", str(root / "data")]
        with (root / "up.out").open("wb") as told:
            process = subprocess.Popen(
                [*command, *options], env=environment, stdout=told, stderr=told, cwd=root
            )
        try:
            until = time.monotonic() + _START_SECONDS
            while not (found := list(running_systems(root / "home" / "evenflow" / "running"))):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"up did not start: {(root / 'up.out').read_text()[-2000:]}")
                time.sleep(0.2)
            yield Live(found[0], root / "data")
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
