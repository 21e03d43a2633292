"""The demo's own system: `evenflow up` in a directory that goes away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evenflow.client.discovery.running import RunningSystem, running_systems
from evenflow.common.domain.errors import EvenflowError

_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 25.0
_TOLD: Final = 12  # last lines of what `up` said, when it does not come up


class DidNotStart(EvenflowError):
    """The demo's system did not come up."""

    def __init__(self, log: Path) -> None:
        """`log` holds what `up` said."""
        try:
            lines = log.read_text(encoding="utf-8").splitlines()[-_TOLD:]
        except OSError:
            lines = []
        super().__init__("\n".join(("the system did not start; `evenflow up` said:", *lines)))


@dataclass(slots=True)
class DemoSystem:
    """A running system and how its end went."""

    process: subprocess.Popen[bytes]
    system: RunningSystem
    ready_seconds: float
    exit_code: int | None = None
    stop_seconds: float = 0.0

    def stop(self) -> None:
        """Stop it as Ctrl-C would; kill it when it takes too long."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.exit_code = self.process.returncode
        self.stop_seconds = time.monotonic() - began


@contextmanager
def running_demo(directory: Path, capacity: dict[str, Any]) -> Iterator[DemoSystem]:
    """Start a system below `directory` that gives `capacity` to jobs; stop it at the end.

    Raises:
        DidNotStart: it does not come up.
    """
    config = directory / "evenflow.yaml"
    # JSON is YAML, and needs no library to write.
    config.write_text(json.dumps({"executor": {"local": {"capacity": capacity}}}), encoding="utf-8")
    log = directory / "up.log"
    command = [sys.executable, "-m", "evenflow.cli.main", "up", "--cluster", "local"]
    command += ["--data-dir", str(directory / "data"), "--config", str(config)]
    command += ["--name", f"demo-{os.getpid()}"]
    began = time.monotonic()
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches us alone, and we stop it in order.
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
    demo_system = None
    try:
        system = _wait_ready(process, log)
        demo_system = DemoSystem(process, system, time.monotonic() - began)
        yield demo_system
    finally:
        if demo_system is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        else:
            demo_system.stop()


def _wait_ready(process: subprocess.Popen[bytes], log: Path) -> RunningSystem:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        for system in running_systems():
            if system.pid == process.pid:
                return system
        time.sleep(0.05)
    raise DidNotStart(log)
