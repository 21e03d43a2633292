"""Usage all the way: exporter, a real store, aggregator, snapshot; with kills and pauses."""

import asyncio
import json
import os
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.servers.nats import free_port, nats_server
from evenflow.common.testing.servers.stores import (
    StoreServer,
    influx_server,
    prometheus_server,
    store_program,
)
from evenflow.common.testing.servers.valkey import redis_server
from evenflow.common.testing.watched_log import Watched, a_service, watched
from tests.usage.load import Load, truth

pytestmark = pytest.mark.integration

SCRAPE = """
  - job_name: evenflow-exporter
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Way:
    """A broker, a Redis, a store, and the ports between them."""

    def __init__(self, server, redis, watcher: Watched, store: StoreServer, kind: str) -> None:
        self._server, self._redis = server, redis
        self.watcher, self.store, self.kind = watcher, store, kind
        self.port = 0

    def exporter(self):
        pushed = {"EVENFLOW_EXPORT__INFLUX__URL": self.store.url} if self.kind == "influx" else {}
        return a_service(
            "exporter",
            self._server,
            EVENFLOW_CLUSTER="simulated:2x0",
            EVENFLOW_BIND__PORT=str(self.port),
            **pushed,
        )

    def aggregator(self, **variables: str):
        return a_service(
            "usage_aggregator",
            self._server,
            EVENFLOW_REDIS__URL=self._redis.url,
            EVENFLOW_USAGE__HALF_LIFE="0",
            EVENFLOW_USAGE__BACKEND__TYPE=self.kind,
            **{
                f"EVENFLOW_USAGE__BACKEND__{self.kind.upper()}__URL": self.store.url,
                f"EVENFLOW_USAGE__BACKEND__{self.kind.upper()}__TIMEOUT": "1s",
            },
            **variables,
        )

    def taken(self) -> list[SnapshotTaken]:
        return self.watcher.facts(SnapshotTaken)

    def hours(self, resource: str) -> float:
        taken = self.taken()
        if not taken:
            return 0.0
        return parse_snapshot(self.watcher.usage_documents()[-1]).queues.hours_of(
            "vision/train", resource
        )


@pytest.fixture(params=["prometheus", "influx"])
async def way(request) -> AsyncIterator[Way]:
    kind, port = request.param, free_port()
    _needed("prometheus" if kind == "prometheus" else "influxd")
    with (
        nats_server() as server,
        redis_server() as redis,
        (
            prometheus_server(scrape=SCRAPE.format(port=port))
            if kind == "prometheus"
            else influx_server()
        ) as store,
    ):
        async with watched(server) as watcher:
            found = Way(server, redis, watcher, store, kind)
            found.port = port
            yield found


def _needed(program: str) -> None:
    try:
        store_program(program)
    except FileNotFoundError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


def asked(store: StoreServer, query: str) -> list[dict[str, Any]]:
    url = f"{store.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        return json.load(answer)["data"]["result"]


def _more(way: Way, count: int) -> bool:
    return len(way.taken()) > count


def _has_capacity(way: Way) -> bool:
    taken = way.taken()
    return bool(taken) and bool(parse_snapshot(way.watcher.usage_documents()[-1]).capacity)


async def test_what_the_log_says_is_what_the_snapshot_says_through_a_store_and_kills(way):
    load = Load(way.watcher, seed=11)
    with way.aggregator() as aggregator:
        with way.exporter():
            await load.prepare()
            # What a store first sees of counters tells of no known time, so it has to see none.
            await way.watcher.until(lambda: _has_capacity(way))
            await way.watcher.until(partial(_more, way, len(way.taken()) + 2))
            running = [asyncio.create_task(load.paced(number)) for number in range(1, 61)]
            await asyncio.sleep(1.5)
        await asyncio.sleep(1.2)  # no exporter; then one that is killed in the middle, then one
        with way.exporter():
            count = len(way.watcher.sampled)
            await way.watcher.until(lambda: len(way.watcher.sampled) > count + 1)
        with way.exporter():
            await asyncio.gather(*running)
            # The store is frozen: the snapshot stands, the log goes on, nobody dies.
            way.store.pause()
            beats = way.watcher.heartbeats("usage-aggregator")
            async for beat in beats:
                if way.kind in beat["reasons"].get("usage", ""):
                    break
            await beats.aclose()
            count, samples = len(way.taken()), len(way.watcher.sampled)
            await way.watcher.until(lambda: len(way.watcher.sampled) > samples + 2)
            assert (aggregator.poll(), len(way.taken())) == (None, count)
            way.store.resume()
            await way.watcher.until(partial(_more, way, count))
            for number in range(61, 66):
                # An end that was told late was counted too long: what comes next makes up for it.
                await load.job_of(number, 0.5)
                if await _is_told(way):
                    break
            else:
                raise AssertionError("the snapshot never says what the log says")
            if way.kind == "prometheus":
                await _counters_are_whole(way)


async def _is_told(way: Way) -> bool:
    """Whether some of the next snapshots say what the log says, to a millionth."""
    cpu, memory = truth(way.watcher, "cpu") / 3600, truth(way.watcher, "memory") / 3600 / 2**30
    for _ in range(8):
        await way.watcher.until(partial(_more, way, len(way.taken())))
        found = way.hours("cpu"), way.hours("memory")
        if found == pytest.approx((cpu, memory), rel=1e-6):
            return True
    return False


async def _counters_are_whole(way: Way) -> None:
    """They never went back, for all the kills; by job they come to no less than by user."""
    for _ in range(20):
        # The last end may be told after the snapshot, and is scraped a moment later.
        by_user = _summed(way.store, "evenflow_usage_seconds_total")
        whole = {name: truth(way.watcher, name) for name in ("cpu", "memory")}
        if by_user == pytest.approx(whole, rel=1e-6):
            break
        await asyncio.sleep(0.5)
    else:
        raise AssertionError(f"counters say {by_user}, the log says {whole}")
    resets = asked(way.store, "resets(evenflow_usage_seconds_total[5m])")
    assert {one["value"][1] for one in resets} == {"0"}
    by_job = _summed(way.store, "evenflow_job_usage_seconds_total")
    for name in ("cpu", "memory"):
        assert by_user[name] * (1 - 1e-6) <= by_job[name] <= by_user[name] * 1.2
    names = {one["metric"]["__name__"] for one in asked(way.store, '{__name__=~"evenflow_.*"}')}
    assert {"evenflow_cluster_capacity", "evenflow_node_ready", "evenflow_nodes"} <= names


def _summed(store: StoreServer, series: str) -> dict[str, float]:
    found = asked(store, f"sum by (resource) ({series})")
    return {one["metric"]["resource"]: float(one["value"][1]) for one in found}


async def test_a_job_of_0_4_seconds_between_two_samples_counts_0_4_seconds():
    with nats_server() as server:
        async with watched(server) as watcher:
            with a_service(
                "exporter", server,
                EVENFLOW_CLUSTER="simulated:2x0", EVENFLOW_USAGE__POLL_INTERVAL="3s",
            ):  # fmt: skip
                load = Load(watcher, seed=1)
                await load.prepare()
                await watcher.until(lambda: watcher.sampled)
                await load.job_of(1, 0.4)
                count = len(watcher.sampled)
                await watcher.until(lambda: len(watcher.sampled) > count)
    (entry,) = [entry for sample in watcher.sampled for entry in sample.entries]
    assert entry.amounts["cpu"] == pytest.approx(0.4 * 2, abs=0.05 * 2)
