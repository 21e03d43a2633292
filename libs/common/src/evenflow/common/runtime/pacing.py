"""Waiting on the shard's clock, which may be set while one waits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from evenflow.common.domain.clock import ShardClock
from evenflow.common.domain.usage.snapshot import poll_seconds

LOOK_SECONDS: Final = 2.0
"""How soon a clock is followed that was set meanwhile: `up --speed` sets it once all have begun."""


async def until_next_poll(interval_us: int, clock: Callable[[], Awaitable[ShardClock]]) -> None:
    """Sleep for an interval of the shard's clock, as it is told while the time goes by."""
    slept = 0.0
    while (left := poll_seconds(interval_us, await clock()) - slept) > 0:
        step = min(left, LOOK_SECONDS)
        await asyncio.sleep(step)
        slept += step
