"""InfluxDB by InfluxQL over HTTP: the exporter's counters, counted by their growth."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.ports.usage_backends import BackendSetup, TimeKept, UsageBatch, UsageStore
from evenflow.common.runtime.http.client_access import check_access, influx_client
from evenflow.common.runtime.settings import InfluxSettings
from evenflow.usage_aggregator.adapters.samples_of import key_of, samples_of
from evenflow.usage_aggregator.core.counters import Counters
from evenflow.usage_aggregator.core.series import Key
from evenflow.usage_aggregator.core.slices import Slice, Slicer

_NANOSECONDS: Final = 1000  # in a microsecond
_LONGEST_TOLD: Final = 200
_TAGS: Final = '"queue", "project", "user", "resource"'

Points = list[tuple[Mapping[str, str], Instant, float]]
"""Tags, the end that the point stands for, value."""


class InfluxStore:
    """`ports.usage_backends.UsageStore` of one database."""

    def __init__(self, settings: InfluxSettings, slicer: Slicer, client: httpx.AsyncClient) -> None:
        """Nothing is connected before the first query; the client is closed here."""
        self._settings = settings
        self._slicer = slicer
        self._client = client
        self._counters = Counters()
        self._read_until: Instant | None = None

    async def fetch(self, mark: str | None, now: Instant) -> UsageBatch:
        """See the port."""
        asked = self._slicer.next(mark, now)
        if asked.is_empty:
            return UsageBatch((), str(asked.since) if mark is None else mark)
        capacity: dict[Instant, dict[str, float]] = {}
        measurement = self._settings.capacity_measurement
        for tags, end, value in await self._newest("amount", measurement, '"resource"', asked):
            capacity.setdefault(end, {})[tags.get("resource", "")] = value
        if self._settings.query is not None:
            by_end = await self._amounts(self._settings.query, asked)
        else:
            by_end = await self._growth(asked, capacity)
        samples = samples_of("influx", asked, by_end, capacity)
        self._read_until = asked.until
        return UsageBatch(samples, str(asked.until), asked.is_last)

    async def ping(self) -> str:
        """See the port."""
        response = await self._answer("GET", "/ping")
        return str(response.headers.get("x-influxdb-version", "unknown")).removeprefix("v")

    async def close(self) -> None:
        """See the port."""
        await self._client.aclose()

    async def _growth(
        self, asked: Slice, capacity: Mapping[Instant, Mapping[str, float]]
    ) -> dict[Instant, dict[Key, float]]:
        newest = await self._newest("total", self._settings.measurement, _TAGS, asked)
        if self._read_until != asked.since:
            # Counters are pushed when they change, so the last one may be old.
            totals = await self._last("total", self._settings.measurement, _TAGS, asked.since)
            held = await self._last(
                "amount", self._settings.capacity_measurement, '"resource"', asked.since
            )
            read = _by_key((tags, value) for tags, _, value in totals)
            self._counters.begin(read, is_told=bool(held))
        by_end: dict[Instant, list[tuple[Mapping[str, str], float]]] = {}
        for tags, end, value in newest:
            by_end.setdefault(end, []).append((tags, value))
        return {
            end: self._counters.read(_by_key(by_end.get(end, ())), is_told=end in capacity)
            for end in asked.ends()
        }

    async def _last(self, field: str, measurement: str, tags: str, at: Instant) -> Points:
        """Return the last value up to an instant."""
        where = f"time <= {at * _NANOSECONDS}"
        return await self._points(_statement(f'last("{field}")', measurement, where, tags))

    async def _newest(self, field: str, measurement: str, tags: str, asked: Slice) -> Points:
        """Return the last value within each step: open at its start, closed at its end."""
        step, since = asked.step_us * _NANOSECONDS, asked.since * _NANOSECONDS
        query = _statement(
            f'last("{field}")',
            measurement,
            f"time > {since} AND time <= {asked.until * _NANOSECONDS}",
            # Steps of the server are closed at their start: they begin a nanosecond later here.
            f"time({step}ns, {(since + 1) % step}ns), {tags} fill(none)",
        )
        found = await self._points(query)
        return [(tags_, asked.end_of(at + asked.step_us), value) for tags_, at, value in found]

    async def _amounts(self, query: str, asked: Slice) -> dict[Instant, dict[Key, float]]:
        filled = query.replace("$since", str(asked.since * _NANOSECONDS)).replace(
            "$until", str(asked.until * _NANOSECONDS)
        )
        by_end: dict[Instant, dict[Key, float]] = {}
        for tags, at, value in await self._points(filled):
            steps = -(-(at - asked.since) // asked.step_us)  # the step that it lies in
            end = asked.end_of(asked.since + steps * asked.step_us)
            for key, amount in _by_key(((tags, value),)):
                of_end = by_end.setdefault(end, {})
                of_end[key] = of_end.get(key, 0.0) + amount
        return by_end

    async def _points(self, query: str) -> Points:
        response = await self._answer(
            "POST",
            "/query",
            params={"db": self._settings.database, "epoch": "ns"},
            data={"q": query},
        )
        try:
            return list(_read(response.json()))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise self._failed(f"something else than points: {error!r}") from error

    async def _answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            # Over all of it: httpx counts from one byte to the next.
            async with asyncio.timeout(self._settings.timeout / timedelta(seconds=1)):
                response = await self._client.request(method, path, **more)
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._failed(str(error) or repr(error)) from error
        if not response.is_success:
            raise self._failed(f"HTTP status {response.status_code} {response.text}")
        return response

    def _failed(self, told: str) -> TemporarilyUnavailable:
        short = " ".join(told.split())[:_LONGEST_TOLD]
        return TemporarilyUnavailable(f"influx at {self._settings.url}: {short}")


def _read(document: Any) -> Iterator[tuple[Mapping[str, str], Instant, float]]:
    (result,) = document["results"]
    if "error" in result:
        raise ValueError(result["error"])
    for series in result.get("series", ()):
        tags = {str(name): str(value) for name, value in series.get("tags", {}).items()}
        for at, value, *_ in series["values"]:
            if value is not None:
                yield tags, int(at) // _NANOSECONDS, float(value)


def _by_key(readings: Any) -> Iterator[tuple[Key, float]]:
    for tags, value in readings:
        if (key := key_of(tags)) is not None:
            yield key, value


def _statement(what: str, measurement: str, where: str, by: str) -> str:
    # The one name that comes from outside is quoted.
    return f"SELECT {what} FROM {_quoted(measurement)} WHERE {where} GROUP BY {by}"  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@dataclass(frozen=True, slots=True)
class InfluxBackend:
    """`ports.usage_backends.UsageBackend` of InfluxDB 1.x, and of later ones with InfluxQL."""

    name: str = "influx"
    time_kept: TimeKept = TimeKept.WALL

    def check(self, setup: BackendSetup) -> None:
        """See the port."""
        check_access(_settings(setup), "usage.backend.influx")

    @asynccontextmanager
    async def open(self, setup: BackendSetup) -> AsyncIterator[UsageStore]:
        """See the port."""
        settings = _settings(setup)
        slicer = Slicer(
            step_us=max(1, -(-setup.step_us // SECOND)) * SECOND,
            resolution_us=settings.query_resolution // timedelta(microseconds=1),
            slice_us=settings.slice // timedelta(microseconds=1),
            delay_us=settings.delay // timedelta(microseconds=1),
            history_us=setup.history_us,
        )
        store = InfluxStore(settings, slicer, influx_client(settings, settings.url or ""))
        try:
            yield store
        finally:
            await store.close()


def _settings(setup: BackendSetup) -> InfluxSettings:
    return InfluxSettings.model_construct(**setup.options)


KIND: Final = InfluxBackend()
