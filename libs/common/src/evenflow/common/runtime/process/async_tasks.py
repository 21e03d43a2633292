"""Work that belongs together: it ends together, and the first failure is told as it is."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from evenflow.common.adapters.async_tasks import end_task, end_tasks


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
        await end_tasks(tasks)


async def first_done(*works: Awaitable[object]) -> None:
    """Return when any of them is done, whatever came of it. Tasks go on, the rest is cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, work in zip(tasks, works, strict=True):
            if task is not work:
                await end_task(task)


class TaskCrew:
    """Tasks that work together until one fails or the whole is cancelled.

    Not a `TaskGroup`: that cancels each of its tasks once, and waits for ever for one that
    swallowed it (see `end_tasks`).
    """

    def __init__(self) -> None:
        """Nothing runs."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let one more work along; before `run`, or by a task that ends."""
        self._tasks.add(asyncio.create_task(work, name=name))

    async def run(self) -> None:
        """Wait until all have ended; raises what the first that failed raised, all others ended."""
        try:
            while self._tasks:
                done, _ = await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)
                self._tasks -= done
                for task in done:
                    task.result()
        finally:
            await end_tasks(self._tasks)
