"""What goes wrong slowly is said aloud: history that is too old to be used."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from math import nan
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant, ShardClock
from evenflow.common.domain.usage.snapshot import Freshness, freshness, staleness_us
from evenflow.common.ports.clock import Clock
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.usage_mirror import UsageMirror

_MICROSECOND: Final = timedelta(microseconds=1)
_USAGE_EVERY_SECONDS: Final = 0.5


class UsageWatch:
    """Says whether cycles decide by history, by the rule by which they do (USG-20)."""

    def __init__(
        self, ctx: ServiceContext, mirror: UsageMirror, clock: Callable[[], ShardClock], wall: Clock
    ) -> None:
        """`clock` is the shard's."""
        self._ctx = ctx
        self._mirror = mirror
        self._clock = clock
        self._wall = wall
        self._most_us: Instant = ctx.settings.usage.max_staleness // _MICROSECOND
        self._began = time.monotonic()
        self._wait_seconds = ctx.settings.usage.startup_wait.total_seconds()
        self._was_available: bool | None = None
        self._available = ctx.metrics.gauge(
            "usage_available",
            "1 while cycles decide by usage, 0 while there is none or it is too old.",
        )
        self._age = ctx.metrics.gauge(
            "usage_snapshot_age_seconds",
            "Age of the usage snapshot in memory, on the shard's clock; NaN: none yet.",
        )

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_USAGE_EVERY_SECONDS)

    def look(self) -> None:
        """Show how things are now; tell of a change once."""
        known, clock = self._mirror.current, self._clock()
        now = clock.shard_time(self._wall.now())
        snapshot = known.snapshot if known is not None else None
        most_us = staleness_us(self._most_us, clock)
        is_available = freshness(snapshot, now, most_us) is Freshness.FRESH
        age = snapshot.age_us(now) / SECOND if snapshot is not None else nan
        self._age.set(age)
        self._available.set(is_available)
        health, log = self._ctx.health, self._ctx.log
        if is_available:
            if self._was_available is False:
                log.info("usage_available", age_seconds=age)
            health.clear("usage")
        elif snapshot is not None or time.monotonic() - self._began > self._wait_seconds:
            if self._was_available is not False:
                log.warning("usage_unavailable", age_seconds=age, most_seconds=most_us / SECOND)
            old = "none was taken yet" if snapshot is None else f"the newest is {age:.0f} s old"
            health.warn("usage", f"history is unavailable and counts for nobody: {old}")
        else:
            return  # there may be one soon
        self._was_available = is_available
