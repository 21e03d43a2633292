"""Work that belongs together: it ends together, and the first failure is told as it is."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from evenflow.common.adapters.async_tasks import end_task


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first one ends, cancel the others, wait for them, raise what it raised.

    Not a `TaskGroup`: that waits for all, and wraps a failure, which hides its story.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await asyncio.gather(*map(end_task, tasks))


async def first_done(*works: Awaitable[object]) -> None:
    """Return when any of them is done, whatever came of it. Tasks go on, the rest is cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, work in zip(tasks, works, strict=True):
            if task is not work:
                await end_task(task)
