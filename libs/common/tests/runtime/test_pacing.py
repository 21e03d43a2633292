"""Polls follow a clock that is set while they wait."""

import asyncio

from evenflow.common.domain.clock import SECOND, ShardClock
from evenflow.common.runtime.pacing import LOOK_SECONDS, until_next_poll


async def test_a_clock_that_is_made_faster_shortens_the_wait_that_has_begun() -> None:
    told = [ShardClock()]

    async def clock() -> ShardClock:
        return told[0]

    async def set_clock() -> None:
        await asyncio.sleep(0.1)
        told[0] = ShardClock(rate=600)

    setting = asyncio.create_task(set_clock())
    async with asyncio.timeout(LOOK_SECONDS + 10):
        await until_next_poll(600 * SECOND, clock)
    await setting


async def test_without_a_change_the_whole_interval_is_waited() -> None:
    async def clock() -> ShardClock:
        return ShardClock(rate=10)

    began = asyncio.get_running_loop().time()
    await until_next_poll(20 * SECOND, clock)
    assert asyncio.get_running_loop().time() - began >= 1.9
