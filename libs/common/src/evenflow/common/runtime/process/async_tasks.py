"""Work that belongs together: it ends together, and the first failure is told as it is."""

import asyncio
from collections.abc import Coroutine
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
