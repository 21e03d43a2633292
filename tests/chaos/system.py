"""A whole `evenflow up` of its own, seen from outside: its processes, its log, its doors."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx

from evenflow.cli.launcher.layout.datadir import DataDir
from evenflow.cli.launcher.layout.ports import free_port
from evenflow.cli.launcher.process.orphans import orphans
from evenflow.cli.launcher.services import SERVICES, status_file
from evenflow.client.discovery.processes import identity
from evenflow.client.discovery.running import RunningSystem, running_systems
from evenflow.common.adapters.failpoint import FAILPOINTS_VARIABLE
from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log

SERVICE_NAMES: Final = tuple(spec.name for spec in SERVICES)
EVENFLOW: Final = str(Path(sys.executable).with_name("evenflow"))
_LOOK_SECONDS: Final = 0.02


class System:
    """One `evenflow up` under a folder of its own."""

    def __init__(self, home: Path, *, config: str = "", **environment: str) -> None:
        """Nothing is started; `config` is the text of its evenflow.yaml."""
        self.home = home
        self.data = DataDir(home / "data")
        self.failpoints = home / "failpoints"
        self.failpoints.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.config = home / "evenflow.yaml"
        self.config.write_text(config)
        self.environment = {
            "XDG_DATA_HOME": str(home / "xdg"),
            FAILPOINTS_VARIABLE: str(self.failpoints),
            **environment,
        }
        self._ups: list[subprocess.Popen[bytes]] = []

    # --- its life ---------------------------------------------------------------------------

    def launch(self, *options: str) -> subprocess.Popen[bytes]:
        """Start `evenflow up` and return at once."""
        with (self.home / "up.log").open("ab") as told:
            up = subprocess.Popen(
                [
                    *(EVENFLOW, "up", "--data-dir", str(self.data.root), "--name", "chaos"),
                    # Not the usual port: systems that start at the same time would race for it.
                    *("--config", str(self.config), "--port", str(self.port), *options),
                ],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                cwd=self.home,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        self._ups.append(up)
        return up

    async def start(self, *options: str, seconds: float = 60) -> subprocess.Popen[bytes]:
        """Start `evenflow up` and wait until it says that it is ready."""
        up = self.launch(*options)

        def is_announced() -> bool:
            assert up.poll() is None, self.told()
            return any(system.pid == up.pid for system in self._announced())

        await until(is_announced, "evenflow up is ready", seconds)
        return up

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the newest `evenflow up` and return its exit code."""
        up = self._ups[-1]
        up.send_signal(number)
        return await asyncio.to_thread(up.wait, 30)

    def kill_supervisor(self) -> None:
        """End the newest `evenflow up` as a power cut of it alone would."""
        self._ups[-1].kill()
        self._ups[-1].wait()

    async def end(self) -> None:
        """Leave nothing behind, jobs included."""
        for up in self._ups:
            if up.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    up.send_signal(signal.SIGINT)
                    await asyncio.to_thread(up.wait, 25)
        for pid in (*orphans(self.data.pids).values(), *self.job_pids()):
            kill(pid, signal.SIGKILL)
        for up in self._ups:
            if up.poll() is None:
                up.kill()
            up.wait()

    def told(self) -> str:
        """Return what `evenflow up` wrote."""
        return (self.home / "up.log").read_text(errors="replace")

    def crashes(self) -> list[str]:
        """Return what `evenflow up` told of services that ended by themselves, not by a signal."""
        return [line for line in self.told().splitlines() if "ended (exit code" in line]

    # --- its processes ----------------------------------------------------------------------

    @property
    def state(self) -> RunningSystem:
        """What the running system says of itself."""
        (system,) = self._announced()
        return system

    @property
    def headers(self) -> dict[str, str]:
        """What a client of it shows: the token of its file."""
        return {"Authorization": f"Bearer {self.state.token()}"}

    def pids(self) -> dict[str, int]:
        """Return the pids of services and servers that run now."""
        return {name: pid for name, pid in self._noted_pids().items() if identity(pid)}

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal a service or server; returns the pid it had."""
        pid = self._noted_pids()[name]
        os.kill(pid, number)
        return pid

    async def killed(self, name: str, pid: int) -> None:
        """Wait until `up` has noticed that this process is gone and has started another."""
        await until(lambda: self.pids().get(name, pid) != pid, f"{name} is started again", 30)

    def live_runs(self) -> dict[str, dict[str, Any]]:
        """Return the local runs whose command runs now: token to what its runner wrote down."""
        runs = {}
        for directory in (self.data.root / "jobs").glob("[0-9a-f]*-*"):
            if (directory / "exit.json").exists():
                continue
            with suppress(OSError, ValueError):
                runs[directory.name] = json.loads((directory / "started.json").read_text())
        return runs

    def job_pids(self) -> list[int]:
        """Return the pids of all live commands and their runners."""
        return [run[key] for run in self.live_runs().values() for key in ("runner_pid", "pid")]

    def engine_environment(self) -> dict[str, str]:
        """Return what a second policy engine must be told to serve this system."""
        state = self.state
        credentials = {}
        if state.nats_password_file:
            credentials = {
                "EVENFLOW_NATS__USER": "policy-engine",
                "EVENFLOW_NATS__API_PREFIX": state.nats_api_prefix,
                "EVENFLOW_NATS__PASSWORD_FILE": str(self.data.secret("nats-policy-engine")),
                "EVENFLOW_REDIS__PASSWORD_FILE": str(self.data.secret("redis")),
            }
        return {
            **os.environ,
            **self.environment,
            **credentials,
            "EVENFLOW_CONFIG": str(self.config),
            "EVENFLOW_DATA_DIR": str(self.data.root),
            "EVENFLOW_NATS__URL": state.nats_url,
            "EVENFLOW_REDIS__URL": state.redis_url,
            "EVENFLOW_LOG__FORMAT": "json",
        }

    # --- failpoints -------------------------------------------------------------------------

    def arm(self, point: str, how: str = "KILL") -> None:
        """Have the next process that passes the point killed or stopped there."""
        draft = self.failpoints / ".draft"
        draft.write_text(how)
        draft.rename(self.failpoints / point)

    async def hit(self, point: str, seconds: float = 20) -> None:
        """Wait until a process has passed the armed point."""
        armed = self.failpoints / point
        await until(lambda: not armed.exists(), f"{point} is passed", seconds)

    # --- its doors --------------------------------------------------------------------------

    async def ready(self, *names: str, not_pid: int = 0, seconds: float = 90) -> None:
        """Wait until these services (all, when none is named) are ready, none with that pid."""
        limit = time.monotonic() + seconds
        async with httpx.AsyncClient(timeout=2) as client:
            while not all(
                [await self._is_ready(client, name, not_pid) for name in names or SERVICE_NAMES]
            ):
                assert time.monotonic() < limit, f"not ready in {seconds} s: {names}"
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def log(self, user: str = "gateway") -> AsyncIterator[ShardLog]:
        """Open the log as one of the services."""
        state = self.state
        password = ""
        if state.nats_password_file:
            password = self.data.secret(f"nats-{user}").read_text().strip()
        else:
            user = ""
        prefix = state.nats_api_prefix if user else ""
        access = BrokerAccess(state.nats_url, "main", "chaos", user, password, api_prefix=prefix)
        async with open_shard_log(access) as log:
            yield log

    def log_lines(self, service: str) -> list[dict[str, Any]]:
        """Return what a service has logged, line by line, oldest first."""
        lines = []
        for path in sorted(self.data.logs.glob(f"{service}.log*"), reverse=True):
            for line in path.read_text(errors="replace").splitlines():
                with suppress(ValueError):
                    lines.append(json.loads(line))
        return [line for line in lines if isinstance(line, dict)]

    async def _is_ready(self, client: httpx.AsyncClient, name: str, not_pid: int) -> bool:
        pid = self.pids().get(name)
        if pid is None or pid == not_pid:
            return False
        if name not in SERVICE_NAMES:
            return True  # a server: that it serves shows in the services
        try:
            noted = json.loads(status_file(self.data, name).read_text())
            if noted["pid"] != pid:
                return False
            answer = await client.get(f"{noted['url']}/readyz")
        except (OSError, ValueError, httpx.HTTPError):
            return False
        return answer.status_code == httpx.codes.OK

    def _announced(self) -> list[RunningSystem]:
        return running_systems(self.home / "xdg" / "evenflow" / "running")

    def _noted_pids(self) -> dict[str, int]:
        try:
            noted = json.loads(self.data.pids.read_text())
        except (OSError, ValueError):
            return {}
        return {name: child["pid"] for name, child in noted.items()}


@asynccontextmanager
async def a_system(home: Path, *, config: str = "", **environment: str) -> AsyncIterator[System]:
    """A running system, gone afterwards."""
    system = System(home, config=config, **environment)
    try:
        await system.start()
        yield system
    finally:
        await system.end()


@contextmanager
def a_small_disk(at: Path) -> Iterator[None]:
    """Have a disk of 400 MB there; takes root."""
    at.mkdir(mode=0o700)
    options = "size=400m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@contextmanager
def system_for_a_module(home: Path, config: str) -> Iterator[System]:
    """Give a running system to the tests of a module, which have event loops of their own."""
    system = System(home, config=config)
    try:
        asyncio.run(system.start())
        yield system
    finally:
        asyncio.run(system.end())


async def until(look: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait for a condition that only looking can tell."""
    limit = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < limit, f"not within {seconds} s: {what}"
        await asyncio.sleep(_LOOK_SECONDS)


def kill(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
