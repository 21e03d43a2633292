"""End a background task for certain."""

import asyncio
from typing import Any

_AGAIN_SECONDS = 0.1


async def end_task(task: "asyncio.Task[Any] | None") -> None:
    """Cancel the task and return when it is over; what it raised is dropped.

    Once is not enough on Python 3.11: `asyncio.wait_for`, which every NATS request uses, swallows a
    cancellation that arrives together with the answer.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)
    if task is not None and not task.cancelled():
        task.exception()
