"""Backfill on a whole system: gaps are filled, and a wide job starts no later than predicted."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.chaos.system import until
from tests.integration.rest_jobs import job_of, submit_simulated, until_running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]

CONFIG = "cluster: simulated:4x8\n"
RUNNING_SECONDS = 30


def submit(
    rest: httpx.Client, name: str, gpus: int, seconds: float, limit: float
) -> dict[str, Any]:
    return submit_simulated(rest, name, seconds, tasks=gpus, time_limit_seconds=limit)


def predicted(rest: httpx.Client, job: dict[str, Any]) -> dict[str, Any] | None:
    why: dict[str, Any] = rest.get(f"/api/v1/jobs/{job['id']}/why").json()
    start: dict[str, Any] | None = why["predicted_start"]
    return start


async def test_a_short_job_passes_a_wide_one_that_starts_no_later_than_predicted(
    rest: httpx.Client,
) -> None:
    running = submit(rest, "running", 16, RUNNING_SECONDS, RUNNING_SECONDS)
    await until_running(rest, running)
    wide = submit(rest, "wide", 32, 5, 60)
    await until(lambda: predicted(rest, wide) is not None, "the wide job has a predicted start", 20)
    promised = predicted(rest, wide)
    assert promised is not None
    assert promised["basis"] == "ends of running jobs by limit"
    long = submit(rest, "long", 8, 5, 600)
    short = submit(rest, "short", 8, 5, 10)
    await until_running(rest, short)
    assert job_of(rest, long)["phase"] == "pending"
    assert job_of(rest, wide)["phase"] == "pending"
    await until_running(rest, wide)
    assert job_of(rest, long)["phase"] == "pending"
    started = datetime.fromisoformat(job_of(rest, wide)["started_at"])
    late = (started - datetime.fromisoformat(promised["at"])).total_seconds()
    assert late <= 1, "the promise is for the decision; the binder needs a moment more"
    await until_running(rest, long)
