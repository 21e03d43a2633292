"""What happened to runs, waiting for one reader. Bounded by the runs that exist."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from evenflow.common.ports.executor import RunEvent


class RunEvents:
    """A queue that costs nothing per event while events are waiting."""

    def __init__(self) -> None:
        """Start empty."""
        self._waiting: deque[RunEvent] = deque()
        self._wake = asyncio.Event()
        self._is_closed = False

    def put(self, event: RunEvent) -> None:
        """Add the newest event."""
        self._waiting.append(event)
        self._wake.set()

    def close(self) -> None:
        """End the iteration once what is waiting has been read."""
        self._is_closed = True
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[RunEvent]:
        """Yield events, oldest first, until `close`."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._is_closed:
                return
            self._wake.clear()
            await self._wake.wait()
