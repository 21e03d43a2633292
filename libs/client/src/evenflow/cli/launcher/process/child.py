"""One child process: started, logged, started again when it ends unasked, stopped when told."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.process.backoff import Backoff
from evenflow.cli.launcher.process.logfile import RotatingFile

_TETHER: Final = str(Path(__file__).with_name("dies_with_parent.py"))
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. `dies_with_parent` is for programs that do not watch the leash themselves."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    dies_with_parent: bool = False

    def arguments(self) -> tuple[str, ...]:
        """Return the command line as it is executed."""
        if not self.dies_with_parent:
            return self.command
        return (sys.executable, "-I", "-S", _TETHER, str(os.getpid()), *self.command)


Report = Callable[[str, str], None]
"""Takes the child's name and what happened, for people."""


class Child:
    """Keeps one process running from `start` to `stop`."""

    def __init__(self, spec: ChildSpec, *, report: Report, backoff: Backoff | None = None) -> None:
        """Nothing is started yet; `backoff` says how long to wait before starting again."""
        self.spec = spec
        self.pid: int | None = None
        self.exits = 0  # ends that nobody asked for, and restarts
        self.reason = ""  # of the last of them
        self._restart_reason = ""
        self.last_exit: int | None = None
        self.on_started: Callable[[], None] = lambda: None
        self._report = report
        self._backoff = backoff or Backoff()
        self._began = 0.0
        self._unwanted = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process, and keep it running from now on.

        Raises:
            OSError: the program cannot be executed.
        """
        pump = await self._spawn()
        self._keeper = asyncio.create_task(self._keep(pump), name=f"keep:{self.spec.name}")

    async def stop(self, number: signal.Signals, seconds: float) -> bool:
        """Send the signal and wait; SIGKILL after `seconds`. Returns whether it went by itself."""
        self._unwanted.set()
        self._send(number)
        if self._keeper is None:
            return True
        done, _ = await asyncio.wait({self._keeper}, timeout=seconds)
        if not done:
            self.kill()
            await asyncio.wait({self._keeper}, timeout=2)
        return bool(done)

    def restart(self, reason: str) -> None:
        """Kill the process, to be started again as after any end; `reason` is for people."""
        self._restart_reason = reason
        self._report(self.spec.name, f"is killed and started again: it {reason}")
        self._send(signal.SIGKILL)

    def retire(self) -> None:
        """Let it run, but do not start it again when it ends."""
        self._unwanted.set()

    def kill(self) -> None:
        """End the process at once and for good."""
        self._unwanted.set()
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _spawn(self) -> asyncio.Task[None]:
        self._process = await asyncio.create_subprocess_exec(
            *self.spec.arguments(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **self.spec.environment},
            pass_fds=self.spec.pass_fds,
            start_new_session=True,  # Ctrl-C in the terminal is the supervisor's alone
        )
        self.pid = self._process.pid
        self._began = time.monotonic()
        self.on_started()
        if self._unwanted.is_set():
            self._send(signal.SIGKILL)  # stopped while it was being started
        return asyncio.create_task(self._pump(self._process), name=f"log:{self.spec.name}")

    async def _keep(self, pump: asyncio.Task[None]) -> None:
        while await self._ended(pump):
            try:
                pump = await self._spawn()
            except OSError as error:  # out of processes or memory: that may pass
                self._report(self.spec.name, f"cannot be started: {error}")

    async def _ended(self, pump: asyncio.Task[None]) -> bool:
        """Wait for the end of the process and for the back-off; whether it is wanted again."""
        if self._process is not None:
            self.last_exit = await self._process.wait()
        self.pid = None
        # A grandchild may hold the pipe open as long as it lives: the log is not waited for.
        await asyncio.wait({pump}, timeout=0.5)
        if self._unwanted.is_set():
            return False
        self.exits += 1
        delay = self._backoff.after(time.monotonic() - self._began)
        told = _told(self.last_exit or 0)
        self.reason, self._restart_reason = self._restart_reason or f"ended ({told})", ""
        self._report(self.spec.name, f"ended ({told}), starts again in {delay:g} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._unwanted.wait(), delay)
        return not self._unwanted.is_set()

    async def _pump(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        log = RotatingFile(self.spec.log)
        try:
            while data := await process.stdout.read(_CHUNK):
                log.write(data)  # never raises: a pipe that nobody reads stops who writes to it
        finally:
            log.close()


def _told(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
