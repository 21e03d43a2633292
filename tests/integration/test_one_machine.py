"""One machine seen from outside: five services, gangs, kills, bad input. Real commands."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import nats
import nats.errors
import pytest
from nats.aio.client import Client

from evenflow.client.discovery.processes import identity
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.contracts.subjects import log_subjects
from tests.chaos.system import SERVICE_NAMES, System, until
from tests.integration.rest_jobs import job_of, submit

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

CONFIG = """\
executor:
  local:
    capacity: {cpu: 4, memory: 16Gi}
    affinity: false
checkpoint: {every_seconds: 3600}
"""


def submit_script(rest: httpx.Client, script: str, **fields: Any) -> dict[str, Any]:
    config = {"command": ["/bin/sh", "-c", script]}
    resources = {"cpu": "500m", "memory": "64Mi"}
    given = {"executor": "local", "resources": resources, "executor_config": config}
    return submit(rest, "a-job", **given | fields)


async def reached(rest: httpx.Client, job: dict[str, Any], *phases: str) -> dict[str, Any]:
    await until(lambda: job_of(rest, job)["phase"] in phases, f"{job['name']} is {phases}", 60)
    return job_of(rest, job)


def served_pids(rest: httpx.Client) -> dict[str, int | None]:
    services = rest.get("/api/v1/status").json()["services"]
    return {name: service["pid"] for name, service in services.items()}


async def test_the_status_names_five_services_with_five_pids(
    system: System, rest: httpx.Client
) -> None:
    await until(lambda: all(served_pids(rest).values()), "every service was heard of")
    pids = served_pids(rest)
    assert set(pids) == set(SERVICE_NAMES)
    assert len(set(pids.values())) == 5
    assert pids == {name: system.pids()[name] for name in SERVICE_NAMES}


@pytest.mark.parametrize("victim", SERVICE_NAMES)
async def test_killing_one_service_changes_only_its_pid(
    system: System, rest: httpx.Client, victim: str
) -> None:
    await system.ready()
    before = system.pids()
    pid = system.kill(victim)
    await system.ready(victim, not_pid=pid)
    after = system.pids()
    assert {name for name in after if after[name] != before[name]} == {victim}
    # A new gateway has heard of everybody after one beat of a second.
    wanted = {name: after[name] for name in SERVICE_NAMES}
    await until(lambda: served_pids(rest) == wanted, "the status says the same")


async def test_a_gang_of_three_is_three_processes_that_know_their_index(
    system: System, rest: httpx.Client
) -> None:
    told = system.home / "gang"
    script = f'echo "$EVENFLOW_TASK_INDEX of $EVENFLOW_TASK_COUNT in $$" >> {told}; sleep 0.5'
    gang = submit_script(rest, script, tasks=3)
    await reached(rest, gang, "succeeded")
    lines = sorted(told.read_text().splitlines())
    assert [line.split(" in ")[0] for line in lines] == ["0 of 3", "1 of 3", "2 of 3"]
    assert len({line.split(" in ")[1] for line in lines}) == 3


async def test_a_gang_of_three_with_room_for_two_starts_none(
    system: System, rest: httpx.Client
) -> None:
    told = system.home / "no-gang"
    blocker = submit_script(rest, "sleep 30", resources={"cpu": "2", "memory": "64Mi"})
    await reached(rest, blocker, "running")
    gang = submit_script(
        rest, f"echo $$ >> {told}", tasks=3, resources={"cpu": "1", "memory": "64Mi"}
    )
    await until(lambda: (job_of(rest, gang)["reason"] or {}).get("code") == "capacity", "it waits")
    small = submit_script(rest, "exit 0", project_id="other")
    await reached(rest, small, "succeeded")  # whole cycles later
    assert job_of(rest, gang)["phase"] == "pending"
    assert not told.exists()
    assert rest.post(f"/api/v1/jobs/{blocker['id']}/cancel", json={}).status_code < 300
    await reached(rest, gang, "succeeded")
    assert len(told.read_text().split()) == 3


async def test_a_command_outlives_its_binder_and_its_exit_code_arrives(
    system: System, rest: httpx.Client
) -> None:
    go = system.home / "go"
    job = submit_script(rest, f"while [ ! -e {go} ]; do sleep 0.05; done; exit 7")
    await reached(rest, job, "running")
    (run,) = system.live_runs().values()
    pid = system.kill("binder")
    await until(lambda: system.pids().get("binder", pid) != pid, "another binder is started")
    assert identity(run["pid"]), "the command goes on"
    go.touch()  # it may end while nobody listens
    ended = await reached(rest, job, "failed")
    assert (ended["exit_code"], ended["attempt"]) == (7, 1)


async def test_a_second_up_on_the_same_data_is_refused_and_changes_nothing(
    system: System, rest: httpx.Client
) -> None:
    before = system.pids()
    second = System(system.home / "second", config=CONFIG)
    second.data = system.data
    refused = second.launch("--name", "second")
    assert await asyncio.to_thread(refused.wait, 30) == 2
    assert str(system.state.pid) in second.told()
    assert system.pids() == before
    assert rest.get("/readyz").status_code == 200


GARBAGE = (
    b"",
    b"\xff\xfe\x00garbage",
    b"{",
    b"[]",
    b"null",
    b'{"jobs": 3}',
    b'{"name": ["x"], "tasks": "many", "resources": -1}',
    b'{"a":' * 5_000,
)


async def an_outsider(system: System, refusals: list[str]) -> Client:
    """Connect as programs of other people do; what the broker refuses is told to `refusals`."""

    async def on_error(error: Exception) -> None:
        refusals.append(str(error))

    state = system.state
    password = Path(state.data_dir, "secrets", "nats-client").read_text().strip()
    return await nats.connect(state.nats_url, user="client", password=password, error_cb=on_error)


async def test_garbage_in_requests_is_answered_as_such_and_stops_nobody(
    system: System, rest: httpx.Client
) -> None:
    before = system.pids()
    client = await an_outsider(system, [])
    for subject in ("jobs.submit", "jobs.cancel", "runs.output", "queues.define", "no.such"):
        for payload in GARBAGE:
            try:
                reply = await client.request(
                    f"evenflow.v1.cmd.main.{subject}", payload, 5, headers=system.headers
                )
            except nats.errors.NoRespondersError:
                break  # nobody takes such requests
            answer = json.loads(reply.data)
            assert answer["code"], (subject, payload[:40], answer)
    await client.close()
    await system.ready()
    assert system.pids() == before
    await reached(rest, submit_script(rest, "exit 0"), "succeeded")


async def test_outsiders_cannot_append_facts(system: System, rest: httpx.Client) -> None:
    refusals: list[str] = []
    client = await an_outsider(system, refusals)
    async with system.log() as log:
        _, before = await log.bounds()
    subjects = log_subjects("main")
    for subject in subjects:
        await client.publish(subject, b'{"garbage": true}')
    await client.flush()
    await until(lambda: len(refusals) >= len(subjects), "each was refused")
    assert all("permissions violation" in told.lower() for told in refusals)
    with pytest.raises(nats.errors.Error):
        await client.jetstream(timeout=0.5).stream_info(log_stream("main"))
    await client.close()
    async with system.log() as log:
        _, last = await log.bounds()
        for sequence in range(before + 1, last + 1):
            stored = await log.connection.js.get_msg(log_stream("main"), sequence)
            assert b"garbage" not in (stored.data or b"")
    await reached(rest, submit_script(rest, "exit 0"), "succeeded")
    assert {line["event"] for line in system.log_lines("policy-engine")}.isdisjoint({"task_failed"})
