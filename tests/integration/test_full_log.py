"""A log that fills: submissions wait, cancels do not, and it frees itself and goes on."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.system import EVENFLOW, SERVICE_NAMES, System, until
from tests.integration.rest_jobs import job_of, submit

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CONFIG = """\
cluster: simulated:2x8
log_store: {max_bytes: 400000, reserve: 4Mi, keep: 1s}
checkpoint: {every_seconds: 2}
usage: {poll_interval: 1s}
"""
LONG: dict[str, Any] = {"executor_config": {"run_seconds": 600}}


def fill(rest: httpx.Client) -> httpx.Response:
    """Submit until the log takes no more; it is cut only every few seconds."""
    some = [{"name": f"j{number}", "resources": {"gpu": 8}, **LONG} for number in range(100)]
    for _ in range(40):
        answer = rest.post("/api/v1/jobs:batch", json={"jobs": some})
        if answer.status_code == 503:
            return rest.post("/api/v1/jobs", json=some[0])
        assert answer.is_success, answer.text
    raise AssertionError("the log was never full")


def log_of(rest: httpx.Client) -> dict[str, Any]:
    answer = rest.get("/api/v1/log")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_full_log_takes_cancels_frees_itself_and_everybody_begins_behind_the_cut(
    system: System, rest: httpx.Client
) -> None:
    waiting = [submit(rest, f"w{number}", resources={"gpu": 8}, **LONG) for number in range(3)]
    refused = fill(rest)
    problem = refused.json()
    assert (problem["code"], "evenflow log status" in problem["detail"]) == ("log_full", True)
    assert int(refused.headers["Retry-After"]) > 0
    assert log_of(rest)["is_full"]
    assert rest.post(f"/api/v1/jobs/{waiting[-1]['id']}/cancel").is_success
    await until(lambda: job_of(rest, waiting[-1])["status"] == "cancelled", "the cancel counts")

    await until(lambda: not log_of(rest)["is_full"], "it was cut", 60)
    found = log_of(rest)
    assert found["first_sequence"] > 1
    body = {"name": "goes-on", **LONG}
    await until(lambda: rest.post("/api/v1/jobs", json=body).is_success, "it goes on", 5)
    cuts = rest.get("/api/v1/log/cuts").json()["cuts"]
    assert cuts[0]["last_sequence"] + 1 == log_of(rest)["first_sequence"]
    readers = {each["name"] for each in rest.get("/api/v1/log/readers").json()["readers"]}
    assert {"exporter", "binder-simulated", "usage-aggregator", "policy-engine"} <= readers

    # Everybody begins again, behind the cut, and knows what is there.
    jobs = rest.get("/api/v1/status").json()["scheduler"]
    pids = system.pids()
    for name in SERVICE_NAMES:
        system.kill(name)
    for name in SERVICE_NAMES:
        await system.ready(name, not_pid=pids[name])
    after = rest.get("/api/v1/status").json()["scheduler"]
    assert {k: after[k] for k in ("pending_jobs", "running_jobs", "queues", "nodes")} == {
        k: jobs[k] for k in ("pending_jobs", "running_jobs", "queues", "nodes")
    }
    found = rest.get("/api/v1/jobs", params={"search": "goes-on"}).json()["jobs"]
    assert [job["name"] for job in found] == ["goes-on"]
    assert not system.crashes()


async def test_a_copy_of_the_log_goes_on_where_it_was_broken_off(
    system: System, rest: httpx.Client, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    last = log_of(rest)["last_sequence"]
    run(system, "log", "export", "--output", whole, "--to", str(last))
    lines = whole.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    run(system, "log", "export", "--output", broken, "--to", str(last))
    assert broken.read_bytes() == whole.read_bytes()
    first = log_of(rest)["last_sequence"] - 2
    asked = rest.get("/api/v1/log/export", params={"from": first, "to": first + 2})
    found = [json.loads(line)["sequence"] for line in asked.text.splitlines()]
    assert found == [first, first + 1, first + 2]
    assert rest.get("/api/v1/log/export", params={"from": 1}).status_code == 410
    assert "held by" in run(system, "log", "status")


def run(system: System, *words: object) -> str:
    done = subprocess.run(
        [EVENFLOW, *map(str, words), "--url", system.state.url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
