"""What is done to a system in the middle of its load."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from evenflow.common.adapters.nats.layout import LEASE_TTL_SECONDS
from tests.chaos.system import SERVICE_NAMES, System, kill, until

Struck = Callable[[], None]
Strike = Callable[[System, Struck], Coroutine[None, None, None]]
PAUSE_SECONDS: Final = 3 * LEASE_TTL_SECONDS


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name. `strike` calls back when the harm is done: recovery is timed from then.

    `victim` is the service or server that has to come back; None when none of them went away.
    """

    name: str
    strike: Strike
    victim: str | None = None
    needs_disk: bool = False  # its system gets a small disk of its own, which takes root


def _kill(name: str) -> Fault:
    async def strike(system: System, struck: Struck) -> None:
        system.kill(name)
        struck()

    return Fault(f"kill -9 {name}", strike, name)


def _kill_at(point: str, name: str, victim: str | None) -> Fault:
    async def strike(system: System, struck: Struck) -> None:
        system.arm(point)
        await system.hit(point)
        struck()

    return Fault(name, strike, victim)


async def _kill_runners(system: System, struck: Struck) -> None:
    """The commands of killed runners must die too, and run again."""
    runs: dict[str, dict[str, Any]] = {}

    def are_three() -> bool:
        runs.clear()
        runs.update(system.live_runs())
        return len(runs) >= 3

    await until(are_three, "three jobs run")
    for token in random.sample(sorted(runs), 3):
        kill(runs[token]["runner_pid"], signal.SIGKILL)
    struck()


async def _kill_fork_server(system: System, struck: Struck) -> None:
    """What forks the runners dies; those that run are not its children any more."""
    kill(fork_server_of(system), signal.SIGKILL)
    struck()


async def _two_engines(system: System, struck: Struck) -> None:
    """One decides and is killed; the standby and the successor compete, and one of them leads."""
    async with second_engine(system) as standby:
        assert await role_of(system, "policy-engine") == "leader"
        assert await role_of(system, standby) == "standby"
        pid = system.kill("policy-engine")
        struck()
        await leads(system, standby, "policy-engine")
        await system.killed("policy-engine", pid)


async def _paused_leader(system: System, struck: Struck) -> None:
    """A leader wakes with a decision in hand after another has decided: the broker refuses it."""
    async with second_engine(system) as standby:
        refusals = len(refused_decisions(system))
        system.arm("append.cycle.decided", "STOP")
        await system.hit("append.cycle.decided")
        paused = system.pids()["policy-engine"]
        struck()
        await asyncio.sleep(PAUSE_SECONDS)
        await leads(system, standby)
        os.kill(paused, signal.SIGCONT)
        await until(lambda: len(refused_decisions(system)) > refusals, "the broker refused", 10)
        assert system.pids()["policy-engine"] == paused, "refusal is no reason to crash"


ENGINE, BINDER, GATEWAY = "policy-engine", "binder", "gateway"
SERVERS_AND_SERVICES: Final = (*SERVICE_NAMES, "nats", "valkey")
FAULTS: Final = (
    _kill(GATEWAY),
    _kill(ENGINE),
    _kill("exporter"),
    _kill(BINDER),
    _kill("usage-aggregator"),
    _kill("nats"),
    _kill("valkey"),
    Fault("kill -9 of three runners", _kill_runners),
    _kill_at("appended.cycle.decided", "engine between publish and fold", ENGINE),
    _kill_at("binder.started", "binder between act and report", BINDER),
    _kill_at("appended.jobs.submitted", "gateway between append and answer", GATEWAY),
    _kill_at("checkpoint.folded", "checkpointer between fold and save", None),
    Fault("two engines, the leader killed", _two_engines, ENGINE),
    _kill_at("appended.runs.reported", "binder between report and its ack", BINDER),
    _kill_at("append.jobs.submitted", "gateway before append", GATEWAY),
    _kill_at("engine.folded", "engine between fold and checkpoint", ENGINE),
    Fault("kill -9 of the fork server", _kill_fork_server),
    _kill_at("append.runs.reported", "binder before its report", BINDER),
    Fault("leader paused for three leases", _paused_leader),
    _kill_at("append.cycle.decided", "engine before publish", ENGINE),
)
"""Neighbours hit different services: one is struck while the last one still comes back."""


def fork_server_of(system: System) -> int:
    """Return the pid of what forks the runners: the binder's only child of long life."""
    binder = system.pids()["binder"]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, parent, *_ = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes()
            if int(parent) == binder and b"fork_server" in command:
                return int(stat.parent.name)
    raise AssertionError("there is no fork server")


def refused_decisions(system: System) -> list[str]:
    """Return the broker's refusals of a stale leader's facts, in the words of the engine's log."""
    return [
        line["reason"]
        for line in system.log_lines("policy-engine")
        if line.get("event") == "stepped_down" and "another writer was there" in line["reason"]
    ]


@asynccontextmanager
async def second_engine(system: System) -> AsyncIterator[Path]:
    """Run a policy engine beside that of `up`; gives its status file once it stands by."""
    status = system.home / "second-engine.json"
    status.unlink(missing_ok=True)
    environment = {**system.engine_environment(), "EVENFLOW_STATUS_FILE": str(status)}
    with (system.home / "second-engine.log").open("ab") as told:
        engine = subprocess.Popen(
            [sys.executable, "-m", "evenflow.policy_engine"],
            env=environment,
            stdout=told,
            stderr=told,
        )
    try:
        await _has_role(system, "standby", status)
        yield status
    finally:
        engine.terminate()
        await asyncio.to_thread(engine.wait, 15)


async def role_of(system: System, engine: Path | str) -> str | None:
    """Return what an engine says it is; `engine` is a service of `up`, or a status file."""
    path = system.data.run / f"{engine}.json" if isinstance(engine, str) else engine
    try:
        url = json.loads(path.read_text())["url"]
        async with httpx.AsyncClient(timeout=2) as client:
            role: str | None = (await client.get(f"{url}/status")).json()["role"]
    except (OSError, ValueError, httpx.HTTPError):
        return None
    return role


async def leads(system: System, *engines: Path | str) -> None:
    """Wait until one of these engines decides."""
    await _has_role(system, "leader", *engines)


async def _has_role(system: System, role: str, *engines: Path | str) -> None:
    async with asyncio.timeout(30):
        while role not in [await role_of(system, engine) for engine in engines]:
            await asyncio.sleep(0.05)
