"""A log that cannot be read on: all services wait, a person says what to pass over, all go on."""

import os
import subprocess
from typing import Any

import httpx
import pytest

from tests.chaos.system import EVENFLOW, SERVICE_NAMES, System, until
from tests.integration.rest_jobs import job_of, submit

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]

CONFIG = """\
cluster: simulated:2x8
checkpoint: {every_seconds: 2}
usage: {poll_interval: 1s}
supervisor: {patience: 2s}
"""
SHORT: dict[str, Any] = {"executor_config": {"run_seconds": 0.1}}
FOLDING = frozenset(SERVICE_NAMES) - {"usage-aggregator"}


def evenflow(system: System, *words: str) -> str:
    done = subprocess.run(
        [EVENFLOW, *words],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def standing(rest: httpx.Client) -> dict[str, str]:
    """Return the services that wait, each with where."""
    services = rest.get("/api/v1/status").json()["services"]
    reasons = {name: told["reasons"].get("reading") for name, told in services.items()}
    return {name: told for name, told in reasons.items() if told}


def is_ready(rest: httpx.Client) -> bool:
    return bool(rest.get("/api/v1/status").json()["state"] == "ready")


async def works(rest: httpx.Client) -> None:
    job = submit(rest, "goes-on", **SHORT)
    await until(lambda: job_of(rest, job)["status"] == "succeeded", "a job runs", 30)


async def restarted(system: System) -> None:
    pids = system.pids()
    for name in SERVICE_NAMES:
        system.kill(name)
    for name in SERVICE_NAMES:
        await system.ready(name, not_pid=pids[name])


async def test_what_nobody_can_read_is_passed_over_by_all_once_that_is_said(
    system: System, rest: httpx.Client
) -> None:
    before = submit(rest, "before", **SHORT)
    await until(lambda: job_of(rest, before)["status"] == "succeeded", "a job runs", 30)
    pids = system.pids()
    async with system.log("gateway") as log:
        subject = "evenflow.v1.main.jobs.submitted"
        await log.connection.client.publish(subject, b"\xff not a fact")
        await until(lambda: standing(rest).keys() == FOLDING, "all wait")
    (told,) = set(standing(rest).values())
    bad = told.split("sequence ")[1].split()[0]
    assert f"evenflow log quarantine {bad}" in told
    refused = rest.post("/api/v1/jobs", json={"name": "j"})
    assert (refused.status_code, f"sequence {bad}" in refused.json()["detail"]) == (503, True)
    assert rest.get("/api/v1/jobs").is_success
    # Who is killed meanwhile waits again; who waits for longer than the patience is left alone.
    system.kill("policy-engine")
    await system.killed("policy-engine", pids["policy-engine"])
    await until(lambda: standing(rest).keys() == FOLDING, "all wait again", 30)

    evenflow(system, "log", "quarantine", bad, "--reason", "a test")
    await until(lambda: is_ready(rest), "all go on", 30)
    await works(rest)
    kept = {name: pid for name, pid in system.pids().items() if name != "policy-engine"}
    assert kept.items() <= pids.items()
    assert not system.crashes()
    await restarted(system)
    await works(rest)
    assert "no difference" in evenflow(system, "replay")


@pytest.mark.parametrize("is_index_lost", [False, True], ids=["a gap", "a shorter log"])
async def test_a_log_that_lost_its_end_is_told_and_mended(
    system: System,
    is_index_lost: bool,  # noqa: FBT001
) -> None:
    with httpx.Client(base_url=system.state.url, headers=system.headers, timeout=10) as rest:
        submit(rest, "before", **SHORT)
        url, headers = system.state.url, system.headers
    await system.stop()
    messages = next(system.data.nats.glob("**/streams/EVENFLOW_main/msgs"))
    block = max(messages.glob("*.blk"), key=lambda path: int(path.stem))
    # Without its index the broker cannot tell that the log was longer: who has folded it can.
    lost = 3000 if is_index_lost else 100
    block.write_bytes(block.read_bytes()[:-lost])
    if is_index_lost:
        (messages / "index.db").unlink(missing_ok=True)
    await system.start()  # it is found by commands, and not ready
    with httpx.Client(base_url=url, headers=headers, timeout=10) as rest:
        await until(lambda: answers(rest), "the gateway answers", 30)
        # Who has folded less than the log still holds has nothing to wait for.
        waiting = {"gateway"} if is_index_lost else FOLDING
        await until(lambda: standing(rest).keys() >= waiting, "they wait", 30)
        assert all("evenflow log repair" in told for told in standing(rest).values())
        assert "nothing was changed" in evenflow(system, "log", "repair")
        assert "all services go on" in evenflow(system, "log", "repair", "--yes")
        await until(lambda: is_ready(rest), "all go on", 30)
        await works(rest)
        assert "the log is whole" in evenflow(system, "log", "repair")
        await restarted(system)
        await works(rest)
        assert not standing(rest)


def answers(rest: httpx.Client) -> bool:
    try:
        return rest.get("/api/v1/status").is_success
    except httpx.TransportError:
        return False
