"""Submit to running on the client's clock: from before the POST to `running` on the stream."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from httpx_sse import aconnect_sse

from tests.bench.live.system import System, simulated_job


class Runs:
    """When each job was first seen running on the event stream."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    async def listen(self, client: httpx.AsyncClient, is_open: asyncio.Event, after: int) -> None:
        headers = {"Last-Event-ID": str(after)}
        async with aconnect_sse(client, "GET", "/api/v1/events", headers=headers) as source:
            is_open.set()
            async for event in source.aiter_sse():
                if event.event == "runs.reported":
                    self._note(json.loads(event.data))

    def _note(self, fact: dict[str, Any]) -> None:
        now = time.perf_counter()
        for report in fact["fact"]["runs"]:
            if report["phase"] == "running":
                self.seen.setdefault(report["job_id"], now)
                if event := self._waiting.pop(report["job_id"], None):
                    event.set()

    async def running(self, job_id: str) -> float:
        if job_id not in self.seen:
            event = self._waiting.setdefault(job_id, asyncio.Event())
            await event.wait()
        return self.seen[job_id]


@asynccontextmanager
async def a_client(system: System) -> AsyncIterator[tuple[httpx.AsyncClient, Runs]]:
    runs, is_open = Runs(), asyncio.Event()
    limits = httpx.Limits(max_connections=32)
    async with httpx.AsyncClient(
        base_url=system.url, headers=system.headers, timeout=60, limits=limits
    ) as client:
        sequence = (await client.get("/api/v1/status")).json()["sequence"]
        listening = asyncio.create_task(runs.listen(client, is_open, sequence))
        await is_open.wait()
        yield client, runs
        listening.cancel()


async def one_by_one(system: System, jobs: int) -> list[float]:
    """Seconds from POST to running, each job on an idle system."""
    taken = []
    async with a_client(system) as (client, runs):
        for number in range(jobs):
            began = time.perf_counter()
            answer = await client.post("/api/v1/jobs", json=simulated_job(number))
            taken.append(await runs.running(answer.raise_for_status().json()["id"]) - began)
    return taken


async def from_clients(system: System, clients: int, jobs: int) -> tuple[list[float], float]:
    """Seconds from POST to running with several clients posting single jobs at once; POSTs/s."""
    taken: list[float] = []
    async with a_client(system) as (client, runs):
        numbers = iter(range(jobs))

        async def post() -> None:
            for number in numbers:
                began = time.perf_counter()
                answer = await client.post("/api/v1/jobs", json=simulated_job(number))
                taken.append(await runs.running(answer.raise_for_status().json()["id"]) - began)

        began = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(clients)))
        return taken, jobs / (time.perf_counter() - began)


def quantiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return (
        1000 * statistics.median(ordered),
        1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    )
