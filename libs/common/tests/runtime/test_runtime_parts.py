"""Health, metrics, logs and heartbeats, each on its own."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette

from evenflow.common.runtime.logging import configure_logging
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health, health_routes
from evenflow.common.runtime.process.heartbeat import send_heartbeats
from evenflow.common.runtime.settings import LogSettings


@pytest.fixture
def health() -> Health:
    return Health(service="demo", shard="main", version="1", monotonic=lambda: 5.0)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(service="demo", shard="main", version="1")


async def test_readiness_names_every_condition_that_stands(
    health: Health, metrics: Metrics
) -> None:
    app = Starlette(routes=health_routes(health, metrics))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo")
    assert (await client.get("/readyz")).status_code == 503
    health.started()
    assert (await client.get("/readyz")).status_code == 200
    health.fail("nats", "not connected")
    health.fail("fold", "12 behind")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == {"nats": "not connected", "fold": "12 behind"}
    assert (await client.get("/healthz")).status_code == 200
    health.clear("nats")
    health.clear("fold")
    assert (await client.get("/status")).json()["state"] == "ready"
    await client.aclose()


def test_a_draining_service_is_not_ready(health: Health) -> None:
    health.started()
    health.is_stopping = True
    assert (health.is_ready, health.state) == (False, "stopping")


def test_a_metric_by_user_or_a_counter_without_total_is_refused(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="small closed sets"):
        metrics.counter("jobs_total", "Jobs.", ("user",))
    with pytest.raises(ValueError, match="_total"):
        metrics.counter("jobs", "Jobs.")


@pytest.fixture
def quiet_logging() -> Iterator[None]:
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    yield
    root.handlers = before


def test_logs_of_ours_and_of_libraries_are_json_lines_without_secrets(quiet_logging: None) -> None:
    out = io.StringIO()
    log = configure_logging(LogSettings(format="json"), service="demo", shard="main", stream=out)
    log.info("queue_defined", queue="vision", token="s3cret")  # noqa: S106
    log.debug("not_written")
    logging.getLogger("library").warning("slow %s", "broker")
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["service"], ours["queue"]) == ("queue_defined", "demo", "vision")
    assert "s3cret" not in out.getvalue()
    assert (theirs["event"], theirs["service"], theirs["level"]) == (
        "slow broker",
        "demo",
        "warning",
    )


async def test_a_heartbeat_carries_the_status_and_outlives_a_broken_broker(
    health: Health, quiet_logging: None
) -> None:
    log = configure_logging(LogSettings(), service="demo", shard="main", stream=io.StringIO())
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    failures = iter([ConnectionError("gone")])

    async def publish(subject: str, payload: bytes) -> None:
        if failure := next(failures, None):
            raise failure
        heard.put_nowait((subject, payload))

    task = asyncio.create_task(send_heartbeats(health, publish, log))
    subject, payload = await asyncio.wait_for(heard.get(), 5)
    task.cancel()
    document = json.loads(payload)
    assert subject == "evenflow.v1.health.main.demo"
    assert document["instance"] == health.instance
    assert document["sent_at"] > 10**15
