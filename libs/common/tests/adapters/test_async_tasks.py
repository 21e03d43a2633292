"""Work that belongs together ends together, even where a cancellation is swallowed."""

import asyncio
from contextlib import suppress

import pytest

from evenflow.common.runtime.process.async_tasks import first_of


async def test_work_that_swallows_a_cancellation_ends_all_the_same():
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(10)
            swallowed += 1
            if swallowed == 3:
                return

    async with asyncio.timeout(5):
        await first_of(asyncio.sleep(0.01), stubborn())
    assert swallowed == 3


async def test_what_ends_first_tells_how_and_the_others_are_over_by_then():
    ended = []

    async def other() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("other")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        await first_of(other(), fails())
    assert ended == ["other"]
