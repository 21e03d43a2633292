"""A past that a real system made is decided again from its log, by whoever may only read it."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenflow.common.adapters.log.shard_log import BrokerAccess, open_log_to_read
from tests.chaos.system import EVENFLOW, System, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CONFIG = "checkpoint: {every_seconds: 3600, every_records: 20}\n"
JOBS = 40


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("system"), config=CONFIG)
    try:
        asyncio.run(system.start("--cluster", "simulated:2x2", "--speed", "60"))
        work(system)
        yield system
    finally:
        asyncio.run(system.end())


def work(system: System) -> None:
    """Let three queues compete until all is done and a checkpoint lies behind the middle."""
    with httpx.Client(base_url=system.state.url, headers=system.headers, timeout=10) as rest:
        for path, weight in (("red", 2), ("blue", 1), ("green", 1)):
            rest.post(
                "/api/v1/queues",
                json={"path": path, "weight": weight, "max_concurrent_jobs": None},
            ).raise_for_status()
        for number in range(JOBS):
            queue = ("red", "red", "blue", "green")[number % 4]
            body = {
                "name": f"{queue}-{number}",
                "queue_id": queue,
                "user_id": ("ada", "alan", "barbara")[number % 3],
                "resources": {"gpu": 1 + number % 2, "cpu": 1},
                "executor_config": {"run_seconds": 20 + 7 * (number % 5)},
            }
            rest.post("/api/v1/jobs", json=body).raise_for_status()

        def is_done() -> bool:
            scheduler: dict[str, Any] = rest.get("/status").json()["scheduler"]
            return not scheduler["pending_jobs"] and not scheduler["running_jobs"]

        asyncio.run(until(is_done, "all jobs ended", 120))


def replay(system: System, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [EVENFLOW, "replay", *words],
        cwd=system.home, env={**os.environ, **system.environment, "EVENFLOW_URL": system.state.url},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_what_a_system_did_is_decided_again_with_no_difference(system: System) -> None:
    done = replay(system)
    assert done.returncode == 0, done.stdout + done.stderr
    cycles, _, rest = done.stdout.partition(" ")
    assert int(cycles) >= JOBS // 4
    assert rest == "cycles decided again, no difference\n"


async def test_a_late_stretch_begins_at_a_checkpoint_that_an_outsider_may_read(
    system: System,
) -> None:
    state = system.state
    password = Path(state.nats_password_file).read_text().strip()
    access = BrokerAccess(
        state.nats_url,
        "main",
        "test",
        state.nats_user,
        password,
        api_prefix=state.nats_api_prefix,
    )
    async with asyncio.timeout(60), open_log_to_read(access) as log:
        while (checkpoint := await anext(log.checkpoints.newest(), None)) is None:
            await asyncio.sleep(0.5)
        _, last = await log.bounds()
    begin = min(checkpoint[0] + 1, last)
    done = await asyncio.to_thread(replay, system, "--from", str(begin), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["base"] < begin
    assert told["differing"] == []


def test_a_kept_past_outlives_its_system_and_answers_what_if(system: System, tmp_path) -> None:
    past, page, rules = (tmp_path / name for name in ("past.jsonl.gz", "page.html", "new.yaml"))
    rules.write_text("queues: {blue: {weight: 50}}\n")
    assert replay(system, "--save", str(past)).returncode == 0
    done = replay(system, "--log", str(past), "--policy", str(rules), "--html", str(page), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["decisions"]["differing"] > 0
    assert told["courses"]["recorded"]["jobs_started"] == JOBS
    blue = next(row for row in told["queues"] if row["name"] == "blue")
    assert blue["change_seconds"] < 0
    assert "Who waits less, who more" in page.read_text()
