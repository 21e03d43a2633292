"""What every store of usage promises, asked of all kinds with the same past, on real servers."""

import math
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts.usage import UsageSample
from evenflow.common.ports.usage_backends import UsageStore
from evenflow.common.testing.servers.stores import store_program
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.window import Sliding
from tests.usage.feeds import (
    CAPACITY,
    MINUTE,
    WHO,
    Feed,
    Past,
    influx_feed,
    log_feed,
    memory_feed,
    prometheus_feed,
    victoria_feed,
)

HALF_LIFE = 50 * MINUTE
SERVED = {
    "prometheus": (prometheus_feed, ("prometheus", "promtool")),
    "victoriametrics": (victoria_feed, ("victoria-metrics",)),
    "influx": (influx_feed, ("influxd",)),
}
BACKENDS = ["memory", *(pytest.param(name, marks=pytest.mark.integration)
                        for name in ("log", *SERVED))]  # fmt: skip


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


@pytest.fixture(scope="module")
def served(past: Past) -> Iterator[dict[str, Feed]]:
    """Servers by the kind of store; each is started when it is first asked for."""
    with ExitStack() as stack:
        yield _Served(past, stack)


class _Served(dict[str, Feed]):
    def __init__(self, past: Past, stack: ExitStack) -> None:
        super().__init__()
        self._past, self._stack = past, stack

    def __missing__(self, name: str) -> Feed:
        feed, programs = SERVED[name]
        for program in programs:
            needed(program)
        self[name] = self._stack.enter_context(feed(self._past))
        return self[name]


def needed(program: str) -> None:
    """Skip when a server is not there; on CI that is a failure."""
    try:
        store_program(program)
    except FileNotFoundError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


@pytest.fixture(params=BACKENDS)
async def feed(request, past: Past, served: dict[str, Feed]) -> AsyncIterator[Feed]:
    if request.param in SERVED:
        yield served[request.param]
        return
    async with (log_feed if request.param == "log" else memory_feed)(past) as opened:
        yield opened


async def fetched(
    store: UsageStore, mark: str | None, now: Instant
) -> tuple[list[UsageSample], str | None, int]:
    """All that is new, the mark after it, and in how many batches it came."""
    samples: list[UsageSample] = []
    for count in range(1, 100):
        batch = await store.fetch(mark, now)
        samples += batch.samples
        mark = batch.mark
        if batch.is_all:
            return samples, mark, count
    raise AssertionError("it never ends")


def vector(samples: list[UsageSample], now: Instant) -> dict[tuple[str, str, str], float]:
    """Decayed sums by group, name and resource."""
    ledger = Ledger(HALF_LIFE, Sliding.of(120 * MINUTE, MINUTE))
    for sample in samples:
        ledger.fold(sample, latest=now)
    ledger.forget_unused(now)
    sums = ledger.sums_at(now)
    found = {
        (group, name, resource): float(column[row]) * ledger.scale_at(now)
        for group, table in ledger.groups.tables(sums).items()
        for resource, column in table.columns.items()
        for row, name in enumerate(table.names)
    }
    for resource, amount in ledger.groups.capacity(sums).items():
        found["capacity", "", resource] = amount * ledger.scale_at(now)
    return found


def closed_form(past: Past, now: Instant) -> dict[tuple[str, str, str], float]:
    """The same, from the definition."""
    terms: dict[tuple[str, str, str], list[float]] = {}
    for minute, amounts in enumerate(past.amounts):
        age = now - past.began_at - (minute + 1) * MINUTE
        if not 0 <= age <= 120 * MINUTE:
            continue
        factor = math.exp(-math.log(2) * age / HALF_LIFE)
        for (queue, project, user, resource), amount in amounts.items():
            top, *_ = queue.split("/")
            names = [("queues", top), ("projects", project), ("users", user)]
            names += [("queues", queue)] if queue != top else []
            names.append(("queue_users", f"{queue}:{user}"))
            for group, name in names:
                terms.setdefault((group, name, resource), []).append(amount * factor)
        for resource, amount in CAPACITY.items():
            terms.setdefault(("capacity", "", resource), []).append(amount * 60 * factor)
    return {key: math.fsum(each) for key, each in terms.items()}


async def test_the_server_says_which_version_it_is(feed, past, capfd):
    async with feed.store(past) as store:
        version = await store.ping()
    assert version
    with capfd.disabled():
        print(f"\nusage store {feed.name}: version {feed.version or version}")


async def test_a_cold_start_comes_in_bounded_slices_and_gives_the_closed_form(feed, past):
    async with feed.store(past) as store:
        samples, mark, batches = await fetched(store, None, past.ended_at)
    expected = closed_form(past, past.ended_at)
    assert vector(samples, past.ended_at) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert mark is not None
    assert batches == (1 if feed.name == "log" else 3)
    assert {entry.user for each in samples for entry in each.entries} == {who[2] for who in WHO}


async def test_poll_by_poll_nothing_is_lost_and_nothing_comes_twice(feed, past):
    async with feed.store(past) as store:
        samples, mark, now = [], None, past.began_at + 60 * MINUTE
        while now <= past.ended_at:
            some, mark, _ = await fetched(store, mark, now)
            samples += some
            now += 7 * MINUTE
        some, mark, _ = await fetched(store, mark, past.ended_at)
        samples += some
        again, same, _ = await fetched(store, mark, past.ended_at)
    assert (again, same) == ([], mark)
    assert len({sample.sample_id for sample in samples}) == len(samples)
    expected = closed_form(past, past.ended_at)
    assert vector(samples, past.ended_at) == pytest.approx(expected, rel=1e-9, abs=1e-9)


async def test_a_new_process_goes_on_from_the_mark(feed, past):
    samples, mark = [], None
    for minutes in (31, 74, 75, 76, past.minutes):  # the counters begin anew at 75
        async with feed.store(past) as store:
            some, mark, _ = await fetched(store, mark, past.began_at + minutes * MINUTE)
            samples += some
    expected = closed_form(past, past.ended_at)
    assert vector(samples, past.ended_at) == pytest.approx(expected, rel=1e-9, abs=1e-9)


async def test_a_server_that_hangs_is_unavailable_in_time_and_goes_on_by_itself(feed, past):
    if feed.name == "memory":
        pytest.skip("there is no server to stop")
    options = {} if feed.name == "log" else {"timeout": "500ms"}
    async with feed.store(past, **options) as store:
        before, mark, _ = await fetched(store, None, past.began_at + 40 * MINUTE)
        feed.server.pause()
        try:
            for _ in range(2):
                with pytest.raises(TemporarilyUnavailable):
                    await store.fetch(None if feed.name == "log" else mark, past.ended_at)
        finally:
            feed.server.resume()
        after, _, _ = await fetched(store, mark, past.ended_at)
    expected = closed_form(past, past.ended_at)
    assert vector([*before, *after], past.ended_at) == pytest.approx(expected, rel=1e-9, abs=1e-9)
