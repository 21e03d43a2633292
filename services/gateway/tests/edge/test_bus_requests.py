"""The gateway as a process on a real broker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenflow.common.adapters.log.shard_log import BrokerAccess, open_shard_log
from evenflow.common.contracts.subjects import health_subject, request_subject
from evenflow.common.runtime.process.context import StopCause
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.heartbeat import beat
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import load
from evenflow.common.testing.servers.nats import NatsServer, free_port, nats_server, provisioned
from evenflow.gateway.app import serve

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
async def process(
    nats: Any, tmp_path: Path, make_ctx: Any, token_file: Path
) -> AsyncIterator[tuple[ServiceContext, str]]:
    port = free_port()
    settings = load(
        environ={
            "EVENFLOW_NATS__URL": nats.url,
            "EVENFLOW_DATA_DIR": str(tmp_path),
            "EVENFLOW_GATEWAY__PORT": str(port),
            "EVENFLOW_SHARD__NAME": f"t{port}",
            "EVENFLOW_GATEWAY__TOKEN_FILE": str(token_file),
        },
        dotenv=None,
    )
    provisioned(nats.url, settings.shard.name)
    base = make_ctx()
    base.health.shard = settings.shard.name
    ctx = ServiceContext(settings=settings, health=base.health, metrics=base.metrics, log=base.log)
    work = asyncio.create_task(serve(ctx))
    async with asyncio.timeout(10):
        while not ctx.health.is_ready:
            assert not work.done(), work.exception()
            await asyncio.sleep(0.02)
    yield ctx, f"http://127.0.0.1:{port}"
    ctx.stop(StopCause.TERMINATE)
    await work
    await ctx.end_tasks(within_seconds=1)


async def test_requests_on_the_bus_get_the_answers_of_rest_and_garbage_a_problem(
    nats: Any, process: Any, bearer: Any
) -> None:
    ctx, url = process
    shard = ctx.settings.shard.name
    async with open_shard_log(BrokerAccess(nats.url, shard, "outsider")) as log:

        async def ask(verb: str, body: bytes) -> dict[str, Any]:
            subject = request_subject(shard, "jobs", verb)
            reply = await log.connection.client.request(subject, body, 5, headers=bearer)
            answer: dict[str, Any] = json.loads(reply.data)
            return answer

        body = {"name": "bus", "executor_config": {"command": ["true"]}}
        job = await ask("submit", json.dumps(body).encode())
        assert job["status"] == "pending"
        for garbage in (b"\x00\xff", b"{", b"", b"[]", b'{"name": 1}'):
            assert (await ask("submit", garbage))["status"] in (400, 422)
        dead = await log.connection.js.stream_info(f"EVENFLOW_{shard}_DEAD")
        assert dead.state.messages == 2
        async with httpx.AsyncClient(base_url=url, headers=bearer) as client:
            headers = {"X-Evenflow-Sequence": str(job["sequence"])}
            found = (await client.get(f"/api/v1/jobs/{job['id']}", headers=headers)).json()
            assert found["status"] == "queued"
        cancelled = await ask("cancel", json.dumps({"job_id": job["id"]}).encode())
        assert cancelled["status"] == "cancelled"
        assert (await ask("cancel", json.dumps({"job_id": job["id"]}).encode()))["status"] == 400


async def test_with_the_bus_away_writes_are_refused_soon_and_reads_go_on_stale(
    nats: Any, process: Any, bearer: Any
) -> None:
    _, url = process
    async with httpx.AsyncClient(base_url=url, headers=bearer, timeout=20) as client:
        body = {"name": "early", "executor_config": {"command": "true"}}
        assert (await client.post("/api/v1/jobs", json=body)).status_code == 201
        nats.stop()
        async with asyncio.timeout(10):
            while not (await client.get("/status")).json()["stale"]:
                await asyncio.sleep(0.05)
        refused = await client.post("/api/v1/jobs", json=body)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        jobs = (await client.get("/api/v1/jobs")).json()
        assert (jobs["stale"], jobs["total"]) == (True, 1)
        nats.start()
        async with asyncio.timeout(20):
            while (await client.post("/api/v1/jobs", json=body)).status_code != 201:
                await asyncio.sleep(0.1)


async def test_a_service_whose_clock_is_an_hour_ahead_is_named_until_it_is_set(
    nats: Any, process: Any, bearer: Any
) -> None:
    ctx, url = process
    shard = ctx.settings.shard.name
    async with (
        open_shard_log(BrokerAccess(nats.url, shard, "outsider")) as log,
        httpx.AsyncClient(base_url=url, headers=bearer) as client,
    ):

        async def beats(ahead_us: int, is_told: Callable[[str], bool]) -> None:
            """Let an exporter's heart beat until the status says of its clock what it should."""
            health = Health(service="exporter", shard=shard, version="1", instance="far-away")
            health.started()
            async with asyncio.timeout(30):
                while True:
                    sent_at = time.time_ns() // 1000 + ahead_us
                    subject = health_subject(shard, "exporter")
                    await log.connection.client.publish(subject, beat(health, sent_at=sent_at))
                    await log.connection.client.flush()
                    await asyncio.sleep(0.6)
                    exporter = (await client.get("/status")).json()["services"]["exporter"]
                    assert exporter["state"] == "ready"
                    if is_told(str(exporter["reasons"].get("clock", ""))):
                        return

        await beats(3_600_000_000, lambda reason: "3600 s ahead" in reason)
        shown = (await client.get("/metrics")).text
        assert 'clock_difference_seconds{instance="far-away",of="exporter"' in shown
        await beats(0, lambda reason: not reason)
