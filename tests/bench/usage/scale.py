"""What a poll costs with 10,000 queues and a window of two weeks, all of it in use."""

import asyncio
import random
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median, quantiles

from evenflow.common.adapters.redis_snapshots import RedisSnapshots, open_redis
from evenflow.common.domain.clock import DAY, HOUR, SECOND
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.common.testing.builders import GIB, T0
from evenflow.common.testing.servers.valkey import redis_server
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.ledger_codec import Source
from evenflow.usage_aggregator.core.snapshot import take_snapshot
from evenflow.usage_aggregator.core.window import Sliding
from evenflow.usage_aggregator.ledger_store import LedgerStore

Row = tuple[str, str, str]
"""What, figure, budget."""

QUEUES = 10_000
RESOURCES = 4
POLLS = 100
WINDOW_US, POLL_US, HALF_LIFE_US = 14 * DAY, 60 * SECOND, DAY
CAPACITY = {"cpu": 64e4, "memory": 512e4 * GIB, "gpu": 8e4, "network": 1e14}
_PART = 500  # entries of one sample, as the exporter makes them


@dataclass(slots=True)
class Spent:
    """Milliseconds of the parts of each poll."""

    fold: list[float] = field(default_factory=list)
    snapshot: list[float] = field(default_factory=list)
    write: list[float] = field(default_factory=list)

    def once(self) -> list[float]:
        """Return the parts of the only poll."""
        return [*self.fold, *self.snapshot, *self.write]

    def together(self, *parts: list[float]) -> str:
        """The median and the 99th percentile of sums of parts."""
        sums = [sum(each) for each in zip(*parts, strict=True)]
        return f"median {median(sums):.0f} ms, p99 {quantiles(sums, n=100)[98]:.0f} ms"


def bench_usage_scale() -> Iterator[Row]:
    yield from asyncio.run(_measured())


async def _measured() -> list[Row]:
    chance, ledger = random.Random(1), Ledger(HALF_LIFE_US, Sliding.of(WINDOW_US, POLL_US))
    with redis_server() as server:
        async with open_redis(server.url) as client:
            source = Source("log", "log")
            ledger_store = LedgerStore(
                RedisSnapshots(client, "main"), source, HALF_LIFE_US, ledger.window
            )
            await ledger_store.claim()
            end = T0
            for _ in range(WINDOW_US // HOUR):  # a sample an hour: every slot is in use
                end += HOUR
                for sample in samples(chance, end):
                    ledger.fold(sample, latest=end)
                await ledger_store.save(ledger, "mark")
            first, spent, document = Spent(), Spent(), 0
            for number in range(1, POLLS + 2):
                end += POLL_US
                if number == 1:  # as after a restart: names are put in order once
                    await _poll(ledger, ledger_store, samples(chance, end), end, number, first)
                    before = await _used(client)
                    continue
                document = await _poll(
                    ledger, ledger_store, samples(chance, end), end, number, spent
                )
            row_bytes = (await _used(client) - before) / POLLS
            began = time.perf_counter()
            kept = await ledger_store.claim()
            assert await ledger_store.restore(kept) is not None
            restart = time.perf_counter() - began
    what = f"poll, {QUEUES:,} queues x {RESOURCES}, all new, 2 weeks"
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    two_weeks = row_bytes * (WINDOW_US / POLL_US) / 2**30
    redis = f"{row_bytes / 1e3:.0f} kB a poll: {two_weeks:.1f} GiB in two weeks"
    return [
        (f"{what}: fold and snapshot", spent.together(spent.fold, spent.snapshot), "200 ms"),
        (f"{what}: with the Redis write",
         spent.together(spent.fold, spent.snapshot, spent.write), "200 ms"),
        (f"{what}: fold alone", spent.together(spent.fold), ""),
        (f"{what}: the document of {document / 1e6:.1f} MB", spent.together(spent.snapshot), ""),
        (f"{what}: memory of the process", f"{rss:.0f} MiB at most", ""),
        (f"{what}: memory of Redis, amounts that never repeat", redis, ""),
        (f"{what}: the first poll of a process", f"{sum(first.once()):.0f} ms", ""),
        (f"{what}: a restart reads its state", f"{restart:.1f} s", ""),
    ]  # fmt: skip


async def _poll(
    ledger: Ledger,
    ledger_store: LedgerStore,
    new: list[UsageSample],
    now: int,
    number: int,
    spent: Spent,
) -> int:
    """Do what the aggregator does, and return how long the document is."""
    began = time.perf_counter()
    for sample in new:
        ledger.fold(sample, latest=now)
    folded = time.perf_counter()
    ledger.forget_unused(now)
    needed = time.perf_counter()
    await ledger_store.restore_rows(
        ledger, now
    )  # once an hour: rows of the slot that begins to leave
    given = time.perf_counter()
    taken = take_snapshot(ledger, now, number)
    told = time.perf_counter()
    standing = await ledger_store.publish(ledger, "mark", taken, 3000)
    assert standing is None
    spent.fold.append((folded - began) * 1e3)
    spent.snapshot.append((needed - folded + told - given) * 1e3)
    spent.write.append((given - needed + time.perf_counter() - told) * 1e3)
    return len(taken.document)


def samples(chance: random.Random, end: int) -> list[UsageSample]:
    """What 10,000 queues used in a minute, each a different amount of each resource."""
    found = []
    for begin in range(0, QUEUES, _PART):
        entries = tuple(
            UsageEntry(
                f"j{n}", f"p{n % 50}/t{n % 500}/q{n}", f"p{n % 50}", f"u{n % 2000}",
                {"cpu": chance.random() * 1e3, "memory": chance.random() * 1e13,
                 "gpu": chance.random() * 5e2, "network": chance.random() * 1e12},
            )
            for n in range(begin, begin + _PART)
        )  # fmt: skip
        capacity = {} if begin else CAPACITY
        sample = UsageSample(f"{end}.{begin}", end - POLL_US, end, entries, capacity)
        found.append(sample)
    return found


async def _used(client) -> int:
    return int((await client.info("memory"))["used_memory"])


if __name__ == "__main__":
    for what, figure, _ in bench_usage_scale():
        print(f"{what:75} {figure}")
