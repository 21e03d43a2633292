"""Prometheus and what else answers PromQL, through prometheus-api-client in threads.

The counter is read at the end of each step and counted by its growth, so nothing is extrapolated:
what one reading missed is in the next one.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from requests import Response, Session

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.ports.usage_backends import BackendSetup, TimeKept, UsageBatch, UsageStore
from evenflow.common.runtime.http.client_access import check_access
from evenflow.common.runtime.settings import PrometheusSettings
from evenflow.usage_aggregator.adapters.blocking_calls import BlockingCalls
from evenflow.usage_aggregator.adapters.prometheus_client import prometheus_client, translated
from evenflow.usage_aggregator.adapters.samples_of import key_of, samples_of
from evenflow.usage_aggregator.core.counters import Counters
from evenflow.usage_aggregator.core.series import Key
from evenflow.usage_aggregator.core.slices import Slice, Slicer

_MILLISECOND: Final = 1000
_WHOLE_SECONDS: Final = timedelta(seconds=1)
_BASELINE: Final = timedelta(hours=1)  # how long a counter may have been away before a restart
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_VICTORIA_VERSION: Final = re.compile(r'^vm_app_version\{.*\bshort_version="([^"]*)"', re.MULTILINE)

Readings = dict[Instant, list[tuple[Mapping[str, str], float]]]


@dataclass(frozen=True, slots=True)
class Queries:
    """PromQL of one store. Values of labels are escaped; names were judged with the settings."""

    settings: PrometheusSettings

    def used(self, step_us: int) -> str:
        """Return what is asked for at the end of each step."""
        if self.settings.query is not None:
            # A range holds both its ends: a millisecond less, and two steps share no sample.
            return self.settings.query.replace("$window", f"{step_us // _MILLISECOND - 1}ms")
        return self.counter(self.settings.lookback)

    def counter(self, lookback: timedelta) -> str:
        """Return the query of the counter's newest reading; several exporters tell the same."""
        newest = self._newest(self.settings.metric, lookback)
        return f"max by (queue, project, user, resource) ({newest})"

    @property
    def capacity(self) -> str:
        """What the cluster has."""
        return f"max by (resource) ({self._newest(self.settings.capacity_metric)})"

    def _newest(self, metric: str, lookback: timedelta | None = None) -> str:
        window = (lookback or self.settings.lookback) // timedelta(milliseconds=1) - 1
        labels = ",".join(
            f'{name}="{escaped(value)}"' for name, value in sorted(self.settings.labels.items())
        )
        return f"last_over_time({metric}{{{labels}}}[{window}ms])"


def escaped(value: str) -> str:
    """Return a text as it may stand between double quotes in PromQL."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class PromqlStore:
    """`ports.usage_backends.UsageStore`. One query at a time, each with an end."""

    def __init__(
        self, name: str, settings: PrometheusSettings, slicer: Slicer, *, nocache: bool
    ) -> None:
        """Nothing is connected before the first query."""
        self._name = name
        self._settings = settings
        self._slicer = slicer
        self._queries = Queries(settings)
        self._parameters = {"nocache": "1"} if nocache else {}
        self._seconds = settings.timeout / _WHOLE_SECONDS
        self._aside = BlockingCalls(f"{name} at {settings.url}")
        self._client = prometheus_client(settings)
        self._counters = Counters()
        self._read_until: Instant | None = None  # what the counters were read up to

    async def fetch(self, mark: str | None, now: Instant) -> UsageBatch:
        """See the port."""
        asked = self._slicer.next(mark, now)
        if asked.is_empty:
            return UsageBatch((), str(asked.since) if mark is None else mark)
        is_counter = self._settings.query is None
        if is_counter and self._read_until != asked.since:
            await self._take_baseline(asked.since)
        used = await self._range(self._queries.used(asked.step_us), asked)
        held = await self._range(self._queries.capacity, asked)
        by_end: dict[Instant, dict[Key, float]] = {}
        for end in asked.ends():
            amounts, is_told = _by_key(used.get(end, ())), end in held
            by_end[end] = (
                self._counters.read(amounts, is_told=is_told) if is_counter else _sums(amounts)
            )
        self._read_until = asked.until
        capacity = {end: _capacity(readings) for end, readings in held.items()}
        samples = samples_of(self._name, asked, by_end, capacity)
        return UsageBatch(samples, str(asked.until), asked.is_last)

    async def ping(self) -> str:
        """See the port."""

        def ask() -> str:
            if self._name == "victoriametrics":  # its build information names a Prometheus
                found = _VICTORIA_VERSION.search(self._get("/metrics").text)
                # Debian builds it without one; that it shows the series is an answer, too.
                return (found.group(1) if found else "") or "unnamed"
            return str(self._get("/api/v1/status/buildinfo").json()["data"]["version"])

        return str(await self._ask(ask))

    async def close(self) -> None:
        """See the port."""
        self._client.close()

    async def _take_baseline(self, at: Instant) -> None:
        lookback = max(self._settings.lookback, _BASELINE)
        found = await self._at(self._queries.counter(lookback), at)
        held = await self._at(self._queries.capacity, at)
        self._counters.begin(_by_key(found), is_told=bool(held))
        self._read_until = at

    async def _at(self, query: str, at: Instant) -> list[tuple[Mapping[str, str], float]]:
        """Return what the query gives at an instant."""
        parameters = {"time": at / SECOND, **self._parameters}
        found = await self._ask(lambda: self._client.custom_query(query, params=parameters))
        with self._reading():
            return [(one["metric"], float(one["value"][1])) for one in found]

    async def _range(self, query: str, asked: Slice) -> Readings:
        """Return what the query gives at each instant of the slice."""
        found = await self._ask(
            lambda: self._client.custom_query_range(
                query,
                _time(asked.since + asked.step_us),
                _time(asked.until),
                f"{asked.step_us // SECOND}",
                params=dict(self._parameters),
            )
        )
        readings: Readings = {}
        with self._reading():
            for one in found:
                labels = one["metric"]
                for at, value in one["values"]:
                    end = asked.end_of(round(float(at) * SECOND))
                    readings.setdefault(end, []).append((labels, float(value)))
        return readings

    async def _ask(self, call: Any) -> Any:
        def told() -> Any:
            with self._reading():
                return call()

        return await self._aside.run(told, self._seconds)

    def _get(self, path: str) -> Response:
        session: Session = self._client._session  # noqa: SLF001 - it asks for nothing but queries
        url = f"{self._settings.url}{path}"
        response = session.get(url, auth=self._client.auth, timeout=self._seconds)
        response.raise_for_status()
        return response

    def _reading(self) -> AbstractContextManager[None]:
        return translated(f"{self._name} at {self._settings.url}")


def _by_key(readings: Any) -> Iterator[tuple[Key, float]]:
    for labels, value in readings:
        if (key := key_of(labels)) is not None:
            yield key, value


def _sums(amounts: Iterator[tuple[Key, float]]) -> dict[Key, float]:
    found: dict[Key, float] = {}
    for key, amount in amounts:
        found[key] = found.get(key, 0.0) + amount
    return found


def _capacity(readings: list[tuple[Mapping[str, str], float]]) -> dict[str, float]:
    return {labels["resource"]: value for labels, value in readings if labels.get("resource")}


def _time(at: Instant) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC)


@dataclass(frozen=True, slots=True)
class PromqlBackend:
    """`ports.usage_backends.UsageBackend` of servers that answer PromQL."""

    name: str
    nocache: bool = False  # it keeps answers of queries that may not be whole yet
    time_kept: TimeKept = TimeKept.WALL

    def check(self, setup: BackendSetup) -> None:
        """See the port."""
        settings = _settings(setup)
        for label in settings.labels:
            if not _LABEL.fullmatch(label):
                raise InvalidValue(f"usage.backend.{self.name}.labels", label, "names no label")
        check_access(settings, f"usage.backend.{self.name}")

    @asynccontextmanager
    async def open(self, setup: BackendSetup) -> AsyncIterator[UsageStore]:
        """See the port."""
        settings = _settings(setup)
        step_us = max(1, -(-setup.step_us // SECOND)) * SECOND
        slicer = Slicer(
            step_us=step_us,
            resolution_us=settings.query_resolution // timedelta(microseconds=1),
            slice_us=settings.slice // timedelta(microseconds=1),
            delay_us=settings.delay // timedelta(microseconds=1),
            history_us=setup.history_us,
        )
        store = PromqlStore(self.name, settings, slicer, nocache=self.nocache)
        try:
            yield store
        finally:
            await store.close()


def _settings(setup: BackendSetup) -> PrometheusSettings:
    return PrometheusSettings.model_construct(**setup.options)  # judged when they were loaded


PROMETHEUS: Final = PromqlBackend("prometheus")
VICTORIAMETRICS: Final = PromqlBackend("victoriametrics", nocache=True)
