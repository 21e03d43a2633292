"""History past its age, on a whole system: told everywhere, scheduling goes on, it comes back."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.system import EVENFLOW, System, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

CONFIG = """\
cluster: simulated:2x8
usage: {poll_interval: 1s, max_staleness: 3s}
"""


class Seen:
    """What people and machines can see of a system."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.rest = httpx.Client(base_url=system.state.url, headers=system.headers, timeout=10)

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = self.rest.get("/api/v1/status").json()
        return document

    def is_degraded(self) -> bool:
        return bool(self.status()["usage"]["degraded"])

    def is_told_by_engine(self) -> bool:
        reasons = self.status()["services"]["policy-engine"]["reasons"]
        return "history is unavailable" in reasons.get("usage", "")

    def series(self) -> dict[str, float]:
        """The engine's metrics, without those of several labels' worth."""
        text = httpx.get(f"{self.status()['services']['policy-engine']['url']}/metrics").text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def command(self) -> str:
        done = subprocess.run(
            [EVENFLOW, "status", "--url", self.system.state.url],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **self.system.environment, "COLUMNS": "200"},
        )
        return done.stdout

    def run_a_job(self) -> str:
        job = {"name": "meanwhile", "executor": "simulated", "resources": {"gpu": 1}}
        job["executor_config"] = {"run_seconds": 0}
        answer = self.rest.post("/api/v1/jobs", json=job)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def has_succeeded(self, job_id: str) -> bool:
        return bool(self.rest.get(f"/api/v1/jobs/{job_id}").json()["phase"] == "succeeded")


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[Seen]:
    system = System(tmp_path, config=CONFIG)
    try:
        await system.start()
        seen = Seen(system)
        await until(lambda: not seen.is_degraded(), "there is a snapshot", 20)
        yield seen
    finally:
        await system.end()


@pytest.mark.parametrize("gone", ["usage-aggregator", "valkey"])
async def test_history_past_its_age_is_told_everywhere_and_comes_back(seen: Seen, gone: str):
    assert "usage history is fresh" in seen.command()
    await until(lambda: seen.series()["evenflow_usage_available"] == 1, "the engine has it")
    pid = seen.system.kill(gone, signal.SIGSTOP)
    try:
        await until(seen.is_degraded, "the status says so", 20)
        await until(seen.is_told_by_engine, "the engine says so", 10)
        await until(lambda: seen.status()["state"] == "degraded", "the whole is degraded", 10)
        assert "usage history is unavailable" in seen.command()
        series = seen.series()
        assert series["evenflow_usage_available"] == 0
        assert series["evenflow_usage_snapshot_age_seconds"] > 3
        job_id = seen.run_a_job()
        await until(lambda: seen.has_succeeded(job_id), "scheduling goes on", 10)
        used = 'evenflow_queue_historical_usage{queue="default",resource="gpu"}'
        await until(lambda: used not in seen.series(), "no history is shown", 15)
    finally:
        os.kill(pid, signal.SIGCONT)
    await until(lambda: not seen.is_degraded(), "it came back by itself", 30)
    await until(lambda: not seen.is_told_by_engine(), "the engine has it again", 10)
    await until(lambda: seen.series()["evenflow_usage_available"] == 1, "cycles use it", 10)
    assert seen.series()["evenflow_cycle_external_calls_total"] == 0
