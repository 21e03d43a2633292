"""Run what blocks beside the loop, and give up on it in time."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from evenflow.common.domain.errors import TemporarilyUnavailable

MOST_LEFT: Final = 4
"""Calls that were given up and still run; more are refused, so that threads do not pile up."""

T = TypeVar("T")


class BlockingCalls:
    """Calls in threads of their own: a server that never ends its answer holds nobody up."""

    def __init__(self, what: str) -> None:
        """`what` is named when a call takes too long."""
        self._what = what
        self._running = 0

    async def run(self, call: Callable[[], T], seconds: float) -> T:
        """Return what the call returns, or raise what it raises.

        Raises:
            TemporarilyUnavailable: it took longer, or too many that were given up still run.
        """
        if self._running >= MOST_LEFT:
            raise TemporarilyUnavailable(f"{self._what}: {self._running} queries still hang")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(action: Callable[[], None]) -> None:
            self._running -= 1
            if not future.done():
                action()

        def work() -> None:
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets it
                caught = error
                tell(lambda: future.set_exception(caught))
            else:
                tell(lambda: future.set_result(result))

        def tell(action: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, action)

        self._running += 1
        # A daemon: one that hangs must not keep the process from ending.
        threading.Thread(target=work, name=self._what, daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError as error:
            raise TemporarilyUnavailable(
                f"{self._what}: no whole answer within {seconds:g} s"
            ) from error
