"""End background tasks for certain."""

import asyncio
import math
import time
from collections.abc import Iterable
from typing import Any

_AGAIN_SECONDS = 0.1


async def end_task(task: "asyncio.Task[Any] | None") -> None:
    """Cancel the task and return when it is over; what it raised is dropped.

    Once is not enough on Python 3.11: `asyncio.wait_for`, which every NATS request uses, swallows a
    cancellation that arrives together with the answer. After a pause of the whole process answers
    and cancellations always arrive together.
    """
    if task is not None:
        await end_tasks((task,))


async def end_tasks(
    tasks: "Iterable[asyncio.Task[Any]]", *, within_seconds: float = math.inf
) -> None:
    """Do the same for several at once; one that is not over in time is left behind.

    A cancellation of the caller waits until they are over.
    """
    tasks = set(tasks)
    left = {task for task in tasks if not task.done()}
    is_cancelled = False
    give_up_at = time.monotonic() + within_seconds
    while left and time.monotonic() < give_up_at:
        for task in left:
            task.cancel()
        try:
            _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
        except asyncio.CancelledError:
            is_cancelled = True
            left = {task for task in left if not task.done()}
    for task in tasks - left:
        if not task.cancelled():
            task.exception()
    if is_cancelled:
        raise asyncio.CancelledError
