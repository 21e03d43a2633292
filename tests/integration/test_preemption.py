"""Stopping what runs, on a whole system: who stops, who starts in its place, who runs again."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.rest_jobs import job_of, submit_simulated, until_running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]

CONFIG = """\
cluster: simulated:1x4
scheduler: {policy: priority}
"""


@pytest.fixture
def rest(rest: httpx.Client) -> Iterator[httpx.Client]:
    yield rest
    for job in rest.get("/api/v1/jobs", params={"limit": 1000}).json()["jobs"]:
        rest.post(f"/api/v1/jobs/{job['id']}/cancel")


async def test_one_job_of_low_priority_stops_and_runs_again_later(rest: httpx.Client) -> None:
    low = [submit_simulated(rest, f"low-{n}", priority=n) for n in range(4)]
    await until_running(rest, *low)
    urgent = submit_simulated(rest, "urgent", seconds=5, priority=60)
    await until_running(rest, urgent)
    phases = [job_of(rest, job)["phase"] for job in low]
    assert phases == ["pending", "running", "running", "running"]
    assert job_of(rest, urgent)["nodes"] == job_of(rest, low[1])["nodes"]
    victim = job_of(rest, low[0])
    assert urgent["id"] in victim["error_message"]
    assert "priority 60 over 0" in victim["error_message"]
    why = rest.get(f"/api/v1/jobs/{low[0]['id']}/why").json()
    assert urgent["id"] in why["text"]
    await until_running(rest, low[0])
    again = job_of(rest, low[0])
    assert again["attempt"] == 2
    assert [job_of(rest, job)["attempt"] for job in low[1:]] == [1, 1, 1]


async def test_a_starved_queue_takes_its_share_back(rest: httpx.Client) -> None:
    for name in ("greedy", "starved"):
        answer = rest.post("/api/v1/queues", json={"path": f"{name}/q"})
        assert answer.status_code == 201, answer.text
    greedy = [submit_simulated(rest, f"greedy-{n}", queue_id="greedy/q") for n in range(6)]
    await until_running(rest, *greedy[:4])
    starved = [submit_simulated(rest, f"starved-{n}", queue_id="starved/q") for n in range(4)]
    await until_running(rest, *starved[:2])
    await asyncio.sleep(3)
    phases = [job_of(rest, job)["phase"] for job in (*greedy, *starved)]
    assert phases.count("running") == 4
    assert phases[6:] == ["running", "running", "pending", "pending"]
    stopped = [job_of(rest, job) for job in greedy if job_of(rest, job)["attempt"] == 2]
    assert len(stopped) == 2
    assert all("below its fair share" in job["error_message"] for job in stopped)
