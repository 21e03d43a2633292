"""The one who cuts the log: the engine that leads, once a minute, sooner when it fills."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol

from evenflow.common.adapters.log.cursors import of_log
from evenflow.common.adapters.log.cuts import Cut
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.domain.retention.plan import YIELD_RATIO, CutPlan, Extent, plan_cut
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.policy_engine.retention.log_room import LogRoom

LOOK_SECONDS: Final = 5.0
CUT_SECONDS: Final = 60.0  # between two cuts while there is room
_MICROSECOND: Final = timedelta(microseconds=1)


class TakesBases(Protocol):
    """Whoever takes checkpoints."""

    async def take(self) -> None:
        """Take one now."""


class Retention:
    """Looks at the log, warns of what is wrong with it, and cuts it.

    A cut is safe whoever makes it and however late: cursors and bases only move on, so what was
    allowed to go once may always go.
    """

    def __init__(
        self,
        ctx: ServiceContext,
        log: ShardLog,
        state: Callable[[], ShardState],
        bases: TakesBases,
        renew: Callable[[], Awaitable[None]],
    ) -> None:
        """`renew` has the leader say again that it leads: the fence's last fact is never cut."""
        self._ctx = ctx
        self._log = log
        self._state = state
        self._bases = bases
        self._renew = renew
        self._room = LogRoom(ctx)
        self._cut_at = 0.0
        self._cuts = ctx.metrics.counter("log_cuts_total", "How often the log was cut here.")

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except EvenflowError as error:
                self._ctx.log.warning("log_not_looked_at", reason=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Show how the log is, and cut it when that is due.

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """
        extent = await self._log.extent()
        cursors = of_log(await self._log.cursors.all(), self._log.log_id)
        self._room.show(extent, cursors)
        if self._ctx.health.role != "leader":
            return
        is_pressed = extent.fullness >= YIELD_RATIO
        if not is_pressed and time.monotonic() - self._cut_at < CUT_SECONDS:
            return
        self._cut_at = time.monotonic()
        places = {name: cursor.sequence for name, cursor in cursors.items()}
        plan = await self._plan(extent, places)
        if is_pressed and plan.held_by == "the last base but one":
            await self._take_two_bases()
            plan = await self._plan(extent, places)
        await self._cut(extent, plan)
        await self._log.checkpoints.thin(plan.keep)

    async def _plan(self, extent: Extent, places: dict[str, int]) -> CutPlan:
        keep_us = self._ctx.settings.log_store.keep // _MICROSECOND
        bases = await self._log.checkpoints.bases()
        return plan_cut(extent, bases, places, now=time.time_ns() // 1000, keep_us=keep_us)

    async def _take_two_bases(self) -> None:
        """Let bases hold nothing: two of the log's end, with a fact of ours between them."""
        await self._bases.take()
        await self._renew()
        await self._bases.take()

    async def _cut(self, extent: Extent, plan: CutPlan) -> None:
        if not plan.to:
            return
        if self._state().last_decision <= plan.to:
            await self._renew()
        if self._state().last_decision <= plan.to or self._ctx.health.role != "leader":
            return  # not now: whoever leads next would find no place to hold its fence against
        facts = await self._log.cuts.purge(plan.to)
        after = await self._log.extent()
        freed = max(0, extent.size_bytes - after.size_bytes)
        by = f"policy-engine/{self._ctx.health.instance}"
        cut = Cut(
            time.time_ns() // 1000, self._log.log_id, extent.first, plan.to, freed, plan.held_by, by
        )
        await self._log.cuts.record(cut)
        self._cuts.inc()
        self._ctx.log.info(
            "log_cut", to=plan.to, facts=facts, freed_bytes=freed, held_by=plan.held_by
        )
