"""Jobs of tests over REST: submitted, looked at, waited for."""

from typing import Any

import httpx

from tests.chaos.system import until


def submit(rest: httpx.Client, name: str, **fields: Any) -> dict[str, Any]:
    """Submit a job and return it."""
    answer = rest.post("/api/v1/jobs", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def submit_simulated(
    rest: httpx.Client, name: str, seconds: float = 600, **fields: Any
) -> dict[str, Any]:
    """Submit a job of tasks of one simulated GPU that runs so long."""
    config = {"run_seconds": seconds}
    given = {"executor": "simulated", "resources": {"gpu": 1}, "executor_config": config}
    return submit(rest, name, **given, **fields)


def job_of(rest: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """Show a job as it is now."""
    found: dict[str, Any] = rest.get(f"/api/v1/jobs/{job['id']}").json()
    return found


async def until_running(rest: httpx.Client, *jobs: dict[str, Any]) -> None:
    """Wait until all of them run."""
    await until(
        lambda: all(job_of(rest, job)["phase"] == "running" for job in jobs),
        f"{[job['name'] for job in jobs]} run",
        60,
    )
