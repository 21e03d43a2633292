"""Server-sent events: facts of the log and the live state, resumed, and ended with the service."""

import json
from typing import Any

import httpx
import pytest

from evenflow.common.domain.facts import jobs
from evenflow.common.runtime.http.server import serving
from evenflow.gateway.web import make_app


@pytest.fixture
async def url(harness: Any) -> Any:
    app = make_app_again(harness)
    async with serving(app, "127.0.0.1", 0, drain_seconds=1) as url:
        yield url


def make_app_again(harness: Any) -> Any:
    harness.gateway.metrics = type(harness.gateway.metrics)(service="g", shard="s", version="0")
    return make_app(harness.gateway)


async def events_of(response: Any, count: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = [{}]
    async for line in response.aiter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            found[-1][name] = value
        elif found[-1]:
            if len(found) == count:
                return found
            found.append({})
    return found


async def test_facts_are_streamed_with_their_sequence_and_resumed(
    harness: Any, url: Any, bearer: Any
) -> None:
    first = await harness.submit()
    async with httpx.AsyncClient(base_url=url, headers=bearer, timeout=5) as client:
        async with client.stream("GET", "/api/v1/events?from=1") as response:
            events = await events_of(response, 2)
        assert [(event["id"], event["event"]) for event in events] == [
            ("1", "queues.defined"),
            ("2", "jobs.submitted"),
        ]
        assert json.loads(events[1]["data"])["fact"]["jobs"][0]["id"] == first
        async with client.stream(
            "GET", "/api/v1/events?kind=jobs.cancel-requested", headers={"Last-Event-ID": "2"}
        ) as response:
            await harness.submit()
            await harness.tell(jobs.CancelRequested((jobs.CancelRequest(first, "u"),)))
            (event,) = await events_of(response, 1)
        assert (event["id"], event["event"]) == ("4", "jobs.cancel-requested")
        assert (await client.get("/api/v1/events?from=99")).status_code == 410
        assert (await client.get("/api/v1/events?kind=nope")).status_code == 422


async def test_the_state_is_streamed_at_once_and_again_when_it_changes(
    harness: Any, url: Any, bearer: Any
) -> None:
    async with (
        httpx.AsyncClient(base_url=url, headers=bearer, timeout=5) as client,
        client.stream("GET", "/status-stream") as response,
    ):
        (first,) = await events_of(response, 1)
        assert first["event"] == "snapshot"
        assert json.loads(first["data"])["jobs"] == []


async def test_streams_end_when_the_service_stops(harness: Any, url: Any, bearer: Any) -> None:
    async with (
        httpx.AsyncClient(base_url=url, headers=bearer, timeout=5) as client,
        client.stream("GET", "/api/v1/events") as response,
    ):
        harness.follower._ctx.stopping.set()
        assert [line async for line in response.aiter_lines() if line and line[0] != ":"] == []
