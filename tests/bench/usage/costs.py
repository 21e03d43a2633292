"""What usage costs: an entry of a sample, and a poll of 1,000 queues. Runs alone, too."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator

from evenflow.common.adapters.redis_snapshots import RedisSnapshots, open_redis
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import DAY, SECOND
from evenflow.common.domain.facts.usage import Sampled, UsageEntry, UsageSample
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.builders import GIB, T0, a_spec
from evenflow.common.testing.servers.valkey import redis_server
from evenflow.exporter.core.sampling import Allocations
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.ledger_codec import Source
from evenflow.usage_aggregator.core.snapshot import take_snapshot
from evenflow.usage_aggregator.core.window import Sliding
from evenflow.usage_aggregator.ledger_store import LedgerStore

Row = tuple[str, str, str]
"""What, figure, budget."""

QUEUES = 1_000
RUNNING = 10_000
CAPACITY = {"cpu": 64e3, "memory": 512e3 * GIB, "gpu": 8e3, "network": 1e13}
HELD = {"cpu": 8250, "memory": 32 * GIB, "gpu": 1500, "network": 10**9}


def bench_usage() -> Iterator[Row]:
    allocations = Allocations()
    allocations.seed(
        Job(a_spec(n, resources=HELD), n, n, state=JobState.RUNNING, started_at=T0)
        for n in range(RUNNING)
    )
    ticks = iter(range(1, 100))
    spent = milliseconds(lambda: allocations.take(T0 + next(ticks) * SECOND))
    yield f"exporter: a tick of {RUNNING:,} running jobs", f"{spent:.1f} ms", ""
    fact = Sampled((a_sample(1, 500),))
    envelope = codec.Envelope(event_id="e", occurred_at=T0, shard="main", actor="exporter")
    data, subject = codec.encode(envelope, fact), subject_of(fact, "main")
    spent = milliseconds(lambda: codec.decode(subject, data)) / 500
    yield "aggregator: decode an entry", f"{spent * 1e3:.1f} µs", ""
    ledger = Ledger(DAY, Sliding.of(14 * DAY, 60 * SECOND))
    samples = iter([a_sample(number, 1000) for number in range(30)])
    spent = milliseconds(lambda: ledger.fold(next(samples), latest=T0 * 2), times=20) / 1000
    yield "aggregator: fold an entry of 4 resources", f"{spent * 1e3:.1f} µs", ""
    yield from _poll(ledger)


def _poll(ledger: Ledger) -> Iterator[Row]:
    now = T0 + 3600 * SECOND
    taken = take_snapshot(ledger, now, 1)
    size = f"{len(taken.document) / 1000:.0f} kB"
    spent = milliseconds(lambda: take_snapshot(ledger, now, 1))
    yield f"poll, {QUEUES:,} queues: the document of {size}", f"{spent:.1f} ms", ""
    write, read = asyncio.run(_store(ledger))
    yield "poll: document and own state into Redis", f"{write:.1f} ms", ""
    yield "restart: read own state", f"{read:.1f} ms", ""
    spent = milliseconds(lambda: parse_snapshot(taken.document))
    yield "engine's mirror: check and parse", f"{spent:.1f} ms", ""


async def _store(ledger: Ledger) -> tuple[float, float]:
    with redis_server() as server:
        async with open_redis(server.url) as client:
            store, wrote = RedisSnapshots(client, "main"), []
            ledger_store = LedgerStore(
                store, Source("log", "log"), ledger.half_life_us, ledger.window
            )
            await ledger_store.claim()
            for number in range(31, 60):
                ledger.fold(a_sample(number, 1000), latest=T0 * 2)
                taken = take_snapshot(ledger, T0, number)
                began = time.perf_counter()
                await ledger_store.publish(ledger, "mark", taken, 60)
                wrote.append(time.perf_counter() - began)
            kept = await ledger_store.claim()
            began = time.perf_counter()
            await ledger_store.restore(kept)
            read = time.perf_counter() - began
    return statistics.median(wrote) * 1e3, read * 1e3


def a_sample(number: int, entries: int) -> UsageSample:
    amounts = {"cpu": 8.25, "memory": 32.0 * GIB, "gpu": 1.5, "network": 1e9}
    rows = tuple(
        UsageEntry(f"j{n}", f"p{n % 50}/q{n % QUEUES}", f"p{n % 50}", f"u{n % 200}", amounts)
        for n in range(entries)
    )
    end = T0 + number * 5 * SECOND
    return UsageSample(f"main.{number}", end - 5 * SECOND, end, rows, CAPACITY)


def milliseconds(action: Callable[[], object], times: int = 7) -> float:
    """Return the median time of a call."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1e3


if __name__ == "__main__":
    for what, figure, _ in bench_usage():
        print(f"{what:50} {figure}")
