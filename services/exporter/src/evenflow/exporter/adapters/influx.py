"""Push counters and capacity to an InfluxDB, each time a sample was taken."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import httpx

from evenflow.common.domain.clock import Instant
from evenflow.common.runtime.http.client_access import influx_client
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import InfluxExportSettings
from evenflow.exporter.core.line_protocol import capacity_lines, usage_lines
from evenflow.exporter.core.totals import Key, UsageTotals

_LINES: Final = 5000  # of one request
_LONGEST_TOLD: Final = 200


class InfluxPush:
    """Sends what changed since the last time it was taken. Counters: what is lost comes next time.

    Sampling never waits for it: a tick that comes while one is under way is told afterwards.
    """

    def __init__(
        self,
        ctx: ServiceContext,
        settings: InfluxExportSettings,
        totals: UsageTotals,
        capacity: Callable[[], Mapping[str, float]],
    ) -> None:
        """Nothing is sent before `run`."""
        self._ctx = ctx
        self._settings = settings
        self._totals = totals
        self._capacity = capacity
        self._sent: dict[Key, float] = {}
        self._due: Instant | None = None
        self._news = asyncio.Event()
        self._failures = ctx.metrics.counter(
            "influx_push_failures_total", "Ticks that the InfluxDB did not take."
        )

    def ticked(self, at: Instant) -> None:
        """Note that a sample was taken at an instant of the wall clock."""
        self._due = at
        self._news.set()

    async def run(self) -> None:
        """Push after every tick, until cancelled; without a URL only wait."""
        async with influx_client(self._settings, self._settings.url or "") as client:
            while True:
                await self._news.wait()
                self._news.clear()
                if self._due is not None and self._settings.url is not None:
                    await self._push(client, self._due)

    async def _push(self, client: httpx.AsyncClient, at: Instant) -> None:
        changed = {
            key: total for key, total in self._totals.items() if self._sent.get(key) != total
        }
        lines = [*capacity_lines(self._capacity(), at), *usage_lines(changed.items(), at)]
        try:
            for begin in range(0, len(lines), _LINES):
                await self._write(client, lines[begin : begin + _LINES])
        except (httpx.HTTPError, TimeoutError) as error:
            told = " ".join(str(error).split())[:_LONGEST_TOLD] or repr(error)
            self._failures.inc()
            # Usage is in the log all the same: a warning, and no reason not to be ready.
            self._ctx.health.warn("influx", f"{self._settings.url}: {told}")
            self._ctx.log.warning("influx_push_failed", reason=told)
            return
        self._sent |= changed
        self._ctx.health.clear("influx")

    async def _write(self, client: httpx.AsyncClient, lines: list[str]) -> None:
        # Over all of it: httpx counts from one byte to the next.
        async with asyncio.timeout(self._settings.timeout / timedelta(seconds=1)):
            response = await client.post(
                "/write",
                params={"db": self._settings.database, "precision": "u"},
                content="\n".join(lines).encode(),
            )
        response.raise_for_status()
