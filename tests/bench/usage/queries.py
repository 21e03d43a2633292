"""What a poll asks of a Prometheus, beside asking for the whole window each time."""

import asyncio
import json
import random
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from evenflow.common.domain.clock import DAY, HOUR, SECOND
from evenflow.common.ports.usage_backends import BackendSetup
from evenflow.common.runtime.settings import BackendSettings, PrometheusSettings, UsageSettings
from evenflow.common.testing.servers.stores import StoreServer, prometheus_data, store_program
from evenflow.usage_aggregator.adapters.promql import Queries
from evenflow.usage_aggregator.config import backend_of

Row = tuple[str, str, str]
"""What, figure, budget."""

QUEUES, RESOURCES = 100, ("cpu", "memory", "gpu", "network")
WINDOW_US, STEP_US, HALF_LIFE_US = 14 * DAY, 60 * SECOND, DAY
_BLOCK_US = 2 * HOUR  # Prometheus' own; promtool reads its whole input once for each
_TIMES = 60  # polls

FULL = (
    "sum_over_time(((evenflow_usage_seconds_total - evenflow_usage_seconds_total offset 1m)"
    " * 0.5^(({now} - time()) / {half_life}))[{window}ms:1m])"
)
"""The decayed sum of the whole window, as one subquery."""


def bench_usage_queries() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="evenflow-bench-") as name:
        until = (time.time_ns() // 1000 - 4 * HOUR) // STEP_US * STEP_US
        _fill(Path(name), until)
        with prometheus_data(Path(name), options=("--query.max-samples=300000000",)) as server:
            yield from _compared(server, until)


def _compared(server: StoreServer, until: int) -> Iterator[Row]:
    what = f"Prometheus, {QUEUES} queues x {len(RESOURCES)}, 2 weeks at 1 min"
    poll, full = asyncio.run(_polls(server, until)), _full(server, until)
    for name, place, unit in (("samples read", 0, ""), ("CPU", 1, " ms"), ("answer", 2, " ms")):
        a, b = poll[place], full[place]
        figure = f"poll {a:,.0f}{unit}, whole window {b:,.0f}{unit}: {b / max(a, 0.1):,.0f} times"
        yield f"{what}: {name}", figure, "" if place else "100 times"


async def _polls(server: StoreServer, until: int) -> tuple[float, float, float]:
    """Polls of the aggregator, each a minute after the last one: what one of them costs."""
    options = {"type": "prometheus", "prometheus": {"url": server.url, "timeout": "60s"}}
    kind, chosen = backend_of(UsageSettings(backend=BackendSettings.model_validate(options)))
    async with kind.open(BackendSetup(chosen, STEP_US, WINDOW_US, None)) as store:
        now = until - _TIMES * STEP_US
        mark = (await store.fetch(str(now - STEP_US), now)).mark  # counters are known from here on
        before, began = _cpu(server), time.perf_counter()
        for _ in range(_TIMES):
            now += STEP_US
            batch = await store.fetch(mark, now)
            mark = batch.mark
            assert sum(len(sample.entries) for sample in batch.samples) == QUEUES
        seconds, cpu = time.perf_counter() - began, _cpu(server) - before
    queries = Queries(PrometheusSettings(url=server.url))
    read = sum(
        _asked(server, "query_range", query, start=now // SECOND, end=now // SECOND, step=60)[1]
        for query in (queries.used(STEP_US), queries.capacity)
    )
    return read, cpu / _TIMES * 1e3, seconds / _TIMES * 1e3


def _full(server: StoreServer, now: int) -> tuple[float, float, float]:
    query = FULL.format(
        now=now // SECOND, half_life=HALF_LIFE_US // SECOND, window=WINDOW_US // 1000 - 1
    )
    before, began = _cpu(server), time.perf_counter()
    found, read = _asked(server, "query", query, time=now // SECOND, timeout="2m")
    seconds = time.perf_counter() - began
    assert len(found) == QUEUES * len(RESOURCES)
    return read, (_cpu(server) - before) * 1e3, seconds * 1e3


def _cpu(server: StoreServer) -> float:
    """Seconds that the server has worked so far."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    return float(next(one for one in lines if one.startswith("process_cpu_sec")).split()[1])


def _asked(
    server: StoreServer, kind: str, query: str, **parameters: str | int
) -> tuple[list[object], int]:
    """Return the answer, and how many samples the server read for it."""
    told = urllib.parse.urlencode({"query": query, "stats": "all", **parameters})
    with urllib.request.urlopen(  # noqa: S310 - loopback
        f"{server.url}/api/v1/{kind}?{told}", timeout=130
    ) as answer:
        data = json.load(answer)["data"]
    return data["result"], int(data["stats"]["samples"]["totalQueryableSamples"])


def _fill(directory: Path, until: int) -> None:
    """Write two weeks of counters, a file for each of the server's blocks."""
    chance = random.Random(1)
    totals = {(queue, name): 0.0 for queue in range(QUEUES) for name in RESOURCES}
    at = until - WINDOW_US - HOUR
    while at <= until:
        end = min(until + 1, at // _BLOCK_US * _BLOCK_US + _BLOCK_US)
        times = range(at, end, STEP_US)
        lines = ["# TYPE evenflow_usage_seconds counter"]
        for (queue, name), total in totals.items():
            labels = f'queue="p{queue % 10}/q{queue}",project="p{queue % 10}",user="u{queue}"'
            series = f'evenflow_usage_seconds_total{{{labels},resource="{name}"}}'
            for moment in times:
                total += chance.random() * 480  # noqa: PLW2901 - kept right below
                lines.append(f"{series} {total:.6f} {moment // SECOND}")
            totals[queue, name] = total
        text = directory / "block.om"
        text.write_text("\n".join([*lines, "# EOF", ""]))
        subprocess.run(
            [store_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "-q",
             text, directory / "data"],
            check=True, capture_output=True,
        )  # fmt: skip
        at = times[-1] + STEP_US


if __name__ == "__main__":
    for what, figure, _ in bench_usage_queries():
        print(f"{what:60} {figure}")
