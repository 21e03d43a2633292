"""How full the log is and who reads it, as metrics and warnings: before it refuses anything."""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from evenflow.common.adapters.log.cursors import Cursor
from evenflow.common.domain.retention.plan import FULL_RATIO, Extent
from evenflow.common.domain.retention.readers import is_dead
from evenflow.common.runtime.process.context import ServiceContext

_MICROSECOND: Final = timedelta(microseconds=1)


class LogRoom:
    """Shows what it is told of the log."""

    def __init__(self, ctx: ServiceContext) -> None:
        """Nothing is asked here."""
        self._ctx = ctx
        gauge = ctx.metrics.gauge
        self._size = gauge(
            "log_bytes", "What the log holds; beside log_limit_bytes it shows how full it is."
        )
        self._limit = gauge(
            "log_limit_bytes",
            "What the log may hold; beyond it submissions are refused. 0: no limit.",
        )
        self._first = gauge("log_first_sequence", "First sequence that the log still holds.")
        self._last = gauge("log_last_sequence", "Sequence of the newest fact in the log.")
        self._oldest = gauge(
            "log_oldest_cursor_sequence", "The lowest cursor of all readers: nothing above is cut."
        )
        self._dead = gauge(
            "log_dead_readers", "Readers that no longer tell their place; they hold the log."
        )

    def show(self, extent: Extent, cursors: Mapping[str, Cursor]) -> None:
        """Show how things are now."""
        self._size.set(extent.size_bytes)
        self._limit.set(extent.limit_bytes)
        self._first.set(extent.first)
        self._last.set(extent.last)
        self._oldest.set(min((c.sequence for c in cursors.values()), default=extent.last))
        now, after_us = time.time_ns() // 1000, self._ctx.settings.log_store.dead_after
        dead = sorted(
            name
            for name, cursor in cursors.items()
            if is_dead(cursor.written_at, now, after_us // _MICROSECOND)
        )
        self._dead.set(len(dead))
        health = self._ctx.health
        if dead:
            names = ", ".join(dead)
            health.warn(
                "log readers",
                f"dead, and the log is not cut beyond them: {names}. Start them again, or let "
                "them go with `evenflow log drop-reader NAME`",
            )
        else:
            health.clear("log readers")
        if extent.fullness >= FULL_RATIO:
            health.warn(
                "log room",
                f"the log is {extent.fullness:.0%} full: `evenflow log status` says what holds "
                "the next cut; raise log_store.max_bytes if the disk has room",
            )
        else:
            health.clear("log room")
