"""Cycle time while the stores of usage answer nothing (ARCH-05): normal beside black-holed.

A Prometheus that the aggregator reads is stopped by SIGSTOP, then Redis too: both still take
connections and never answer. The engine goes on at the same rate of cycles.
`black_hole.py --seconds 300` is the full measurement.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from evenflow.cli.launcher.layout.datadir import DataDir
from evenflow.common.testing.servers.stores import StoreServer, prometheus_server

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.live.system import System, a_system, simulated_job

Row = tuple[str, str, str]
"""What, figure, budget."""

RATE = 60  # jobs a second; each makes three to four cycles: its coming, its steps, its end
WARM_SECONDS = 5
_CYCLE = "evenflow_cycle_duration_seconds"
_SCRAPE = """
  - job_name: evenflow-exporter
    scrape_interval: 1s
    scrape_timeout: 1s
    file_sd_configs: [{{files: ["{folder}/*.json"], refresh_interval: 1s}}]
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """Cycles of one time, as the engine's own histogram tells them."""

    name: str
    cycles: float
    seconds: float
    p50_ms: float
    p99_ms: float
    freshness: str
    external_calls: float


def measure(seconds: float, rate: float = RATE) -> list[Phase]:
    """Return the three times, each so long."""
    with (
        tempfile.TemporaryDirectory(prefix="evenflow-black-hole-") as folder,
        prometheus_server(scrape=_SCRAPE.format(folder=folder)) as store,
        a_system(
            EVENFLOW_USAGE__BACKEND__TYPE="prometheus",
            EVENFLOW_USAGE__BACKEND__PROMETHEUS__URL=store.url,
            EVENFLOW_USAGE__BACKEND__PROMETHEUS__TIMEOUT="1s",
            EVENFLOW_USAGE__POLL_INTERVAL="1s",
            EVENFLOW_USAGE__MAX_STALENESS="10s",
        ) as system,
    ):
        address = system.status()["services"]["exporter"]["url"].removeprefix("http://")
        Path(folder, "exporter.json").write_text(json.dumps([{"targets": [address]}]))
        return asyncio.run(_phases(system, store, seconds, rate))


async def _phases(system: System, store: StoreServer, seconds: float, rate: float) -> list[Phase]:
    async with httpx.AsyncClient(base_url=system.url, headers=system.headers, timeout=30) as http:
        loading = asyncio.create_task(_load(http, rate))
        try:
            await _until_fresh(http)
            await asyncio.sleep(WARM_SECONDS)
            phases = [await _phase("normal", http, seconds)]
            store.pause()
            phases.append(await _phase("Prometheus stopped", http, seconds))
            redis = _redis_pid(system)
            os.kill(redis, signal.SIGSTOP)
            try:
                phases.append(await _phase("Prometheus and Redis stopped", http, seconds))
            finally:
                os.kill(redis, signal.SIGCONT)
                store.resume()
            return phases
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)


async def _load(http: httpx.AsyncClient, rate: float) -> None:
    """Submit at an even pace, whatever the answers take."""
    began, number = time.perf_counter(), 0
    pending: set[asyncio.Task[None]] = set()

    async def post(job: dict[str, Any]) -> None:
        with suppress(httpx.TransportError):  # a kept connection may close as it is used again
            await http.post("/api/v1/jobs", json=job)

    try:
        while True:
            sending = asyncio.create_task(post(simulated_job(number)))
            pending.add(sending)
            sending.add_done_callback(pending.discard)
            number += 1
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
    finally:
        await asyncio.gather(*pending)


async def _until_fresh(http: httpx.AsyncClient) -> None:
    while (await _status(http))["usage"]["degraded"]:
        await asyncio.sleep(0.2)


async def _status(http: httpx.AsyncClient) -> dict[str, Any]:
    return (await http.get("/api/v1/status")).raise_for_status().json()


async def _phase(name: str, http: httpx.AsyncClient, seconds: float) -> Phase:
    engine = (await _status(http))["services"]["policy-engine"]["url"]
    before, began = await _metrics(engine), time.perf_counter()
    await asyncio.sleep(seconds)
    after, took = await _metrics(engine), time.perf_counter() - began
    buckets = [
        (float(key.split('"')[1]), after[key] - before.get(key, 0.0))
        for key in after
        if key.startswith(f"{_CYCLE}_bucket")
    ]
    return Phase(
        name,
        after[f"{_CYCLE}_count"] - before[f"{_CYCLE}_count"],
        took,
        _quantile(buckets, 0.5) * 1e3,
        _quantile(buckets, 0.99) * 1e3,
        (await _status(http))["usage"]["freshness"],
        after["evenflow_cycle_external_calls_total"],
    )


async def _metrics(engine: str) -> dict[str, float]:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{engine}/metrics")).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def _quantile(buckets: list[tuple[float, float]], part: float) -> float:
    """Return a percentile of a cumulative histogram, evenly within its step as Prometheus does."""
    wanted = part * buckets[-1][1]
    low, below = 0.0, 0.0
    for high, count in buckets:
        if count >= wanted:
            return low + (high - low) * (wanted - below) / max(1.0, count - below)
        low, below = high, count
    return low


def _redis_pid(system: System) -> int:
    pid: int = json.loads(DataDir(system.data).pids.read_text())["valkey"]["pid"]
    return pid


def bench_black_hole(seconds: float = 60) -> Iterator[Row]:
    """Yield a row a time, each with how far its p99 is from the normal one."""
    phases = measure(seconds)
    normal = phases[0]
    for phase in phases:
        apart = phase.p99_ms / normal.p99_ms - 1
        figure = (
            f"p50 {phase.p50_ms:.2f} ms, p99 {phase.p99_ms:.2f} ms ({apart:+.0%}), "
            f"{phase.cycles / phase.seconds:.0f} cycles/s, {phase.external_calls:.0f} calls outside"
        )
        yield f"cycle time, {phase.name}, usage {phase.freshness}", figure, "p99 within 20 %"


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="of each time")
    options = parser.parse_args()
    table = Table("what", "figure", "budget")
    for row in bench_black_hole(options.seconds):
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
