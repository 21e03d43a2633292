"""One history of usage, told to every kind of store, each in its own way and to its real server."""

import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from evenflow.common.adapters.log.samples import SamplesStream
from evenflow.common.adapters.log.shard_log import BrokerAccess, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.facts.usage import Sampled, UsageEntry, UsageSample
from evenflow.common.ports.samples import SampleLog
from evenflow.common.ports.usage_backends import BackendSetup, UsageStore
from evenflow.common.runtime.settings import BackendSettings, UsageSettings
from evenflow.common.testing.servers.nats import NatsServer, nats_server
from evenflow.common.testing.servers.stores import (
    StoreServer,
    influx_server,
    prometheus_server,
    victoria_metrics_server,
)
from evenflow.exporter.core.line_protocol import capacity_lines, usage_lines
from evenflow.usage_aggregator.adapters.memory import MemoryStore
from evenflow.usage_aggregator.config import backend_of

MINUTE = 60 * SECOND
CAPACITY = {"gpu": 16.0, "cpu": 128.0}
WHO = (
    ("vision/train", "vision", "ann"),
    ("vision/train", "vision", 'b\\o"b, c=d é'),  # whatever stands in a label
    ("speech", "speech", "ann"),
)
Key = tuple[str, str, str, str]


@dataclass
class Past:
    """Minutes of usage that ended four hours ago, so that a Prometheus can be given them."""

    minutes: int = 150
    ended_at: Instant = field(
        default_factory=lambda: (time.time_ns() // 60_000_000_000 - 240) * MINUTE
    )

    def __post_init__(self) -> None:
        chance = random.Random(7)
        self.amounts: list[dict[Key, float]] = []
        for minute in range(self.minutes):
            of_minute: dict[Key, float] = {}
            for queue, project, user in WHO:
                if queue == "speech" and minute < 40:
                    continue  # it comes later
                for resource, most in (("gpu", 8 * 60), ("cpu", 64 * 60)):
                    if chance.random() < 0.8:
                        key = queue, project, user, resource
                        of_minute[key] = round(chance.random() * most, 3)
            self.amounts.append(of_minute)

    @property
    def began_at(self) -> Instant:
        return self.ended_at - self.minutes * MINUTE

    def samples(self, first: int = 0, last: int | None = None) -> Iterator[UsageSample]:
        for minute, of_minute in list(enumerate(self.amounts))[first:last]:
            end = self.began_at + (minute + 1) * MINUTE
            by_user: dict[tuple[str, str, str], dict[str, float]] = {}
            for (*who, resource), amount in of_minute.items():
                by_user.setdefault((who[0], who[1], who[2]), {})[resource] = amount
            entries = tuple(UsageEntry("job", *who, told) for who, told in by_user.items())
            yield UsageSample(f"main.{end}", end - MINUTE, end, entries, CAPACITY)

    def readings(self) -> Iterator[tuple[Instant, Mapping[Key, float]]]:
        """Counters at the end of each minute; half-way the exporter begins anew, from 0."""
        totals = {
            (*who, resource): 1e6 for who in WHO if who[0] != "speech"
            for resource in CAPACITY
        }  # fmt: skip
        yield self.began_at, totals
        for minute, of_minute in enumerate(self.amounts):
            if minute == self.minutes // 2:
                totals = dict.fromkeys(totals, 0.0)
            totals = totals | {
                key: totals.get(key, 0.0) + amount for key, amount in of_minute.items()
            }
            yield self.began_at + (minute + 1) * MINUTE, totals


@dataclass(slots=True)
class Feed:
    """A store's kind with its server, filled with the past."""

    name: str
    options: dict[str, Any]
    samples: SampleLog | None = None
    fill: Callable[[UsageStore], None] | None = None  # of stores that begin empty
    server: StoreServer | NatsServer | None = None
    version: str = ""  # of a server that the store cannot ask

    def store(
        self, past: Past, step_us: int = MINUTE, **options: object
    ) -> AbstractAsyncContextManager[UsageStore]:
        """Open a store for which the past is all that counts."""
        usage = UsageSettings(
            backend=BackendSettings.model_validate(
                {"type": self.name, self.name: self.options | options} if self.options
                else {"type": self.name}
            )
        )  # fmt: skip
        kind, chosen = backend_of(usage)
        return self._open(
            kind.open(BackendSetup(chosen, step_us, self.history_us(past), self.samples))
        )

    def history_us(self, past: Past) -> int:
        return past.minutes * MINUTE

    @asynccontextmanager
    async def _open(
        self, opened: AbstractAsyncContextManager[UsageStore]
    ) -> AsyncIterator[UsageStore]:
        async with opened as store:
            if self.fill is not None:
                self.fill(store)
            yield store


def _labels(key: Key) -> dict[str, str]:
    return dict(zip(("queue", "project", "user", "resource"), key, strict=True))


def _open_metrics(past: Past) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    lines = ["# TYPE evenflow_cluster_capacity gauge"]
    lines += [
        f'evenflow_cluster_capacity{{resource="{name}"}} {amount} {at // SECOND}'
        for at, _ in past.readings()
        for name, amount in CAPACITY.items()
    ]
    lines.append("# TYPE evenflow_usage_seconds counter")
    for at, totals in past.readings():
        for key, total in totals.items():
            told = ",".join(f'{name}="{escaped(text)}"' for name, text in _labels(key).items())
            lines.append(f"evenflow_usage_seconds_total{{{told}}} {total!r} {at // SECOND}")
    return "\n".join([*lines, "# EOF", ""])


def _victoria_lines(past: Past) -> bytes:
    series: dict[str, list[tuple[Instant, float]]] = {}
    for at, totals in past.readings():
        for key, total in totals.items():
            name = json.dumps({"__name__": "evenflow_usage_seconds_total"} | _labels(key))
            series.setdefault(name, []).append((at, total))
        for resource, amount in CAPACITY.items():
            name = json.dumps({"__name__": "evenflow_cluster_capacity", "resource": resource})
            series.setdefault(name, []).append((at, amount))
    return "\n".join(
        json.dumps({
            "metric": json.loads(name),
            "values": [value for _, value in points],
            "timestamps": [at // 1000 for at, _ in points],
        })
        for name, points in series.items()
    ).encode()  # fmt: skip


def _influx_lines(past: Past) -> bytes:
    lines: list[str] = []
    for at, totals in past.readings():
        lines += usage_lines(totals.items(), at)
        lines += capacity_lines(CAPACITY, at)
    return "\n".join(lines).encode()


@asynccontextmanager
async def log_feed(past: Past) -> AsyncIterator[Feed]:
    with nats_server() as server:
        async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
            writer = log.samples_writer(SystemClock().now)
            stream, last = SamplesStream(log.connection, "main", writer), 0
            for sample in past.samples():
                last = await stream.append(Sampled((sample,)), last, "test")
            version = f"nats-server {log.connection.client.connected_server_version}"
            yield Feed("log", {}, samples=stream, server=server, version=version)


@asynccontextmanager
async def memory_feed(past: Past) -> AsyncIterator[Feed]:
    def fill(store: UsageStore) -> None:
        assert isinstance(store, MemoryStore)
        store.samples, store.most = list(past.samples()), 60

    yield Feed("memory", {}, fill=fill)


@contextmanager
def prometheus_feed(past: Past) -> Iterator[Feed]:
    with prometheus_server(backfill=_open_metrics(past)) as server:
        yield Feed("prometheus", {"url": server.url, "slice": "1h"}, server=server)


@contextmanager
def victoria_feed(past: Past) -> Iterator[Feed]:
    with victoria_metrics_server() as server:
        server.post("/api/v1/import", _victoria_lines(past))
        server.post("/internal/force_flush", b"")
        options = {"url": server.url, "slice": "1h", "delay": "0s"}
        yield Feed("victoriametrics", options, server=server)


@contextmanager
def influx_feed(past: Past) -> Iterator[Feed]:
    with influx_server() as server:
        server.post("/write?db=evenflow&precision=u", _influx_lines(past))
        options = {"url": server.url, "slice": "1h", "delay": "0s"}
        yield Feed("influx", options, server=server)
