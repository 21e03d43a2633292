"""Whether the log takes what people ask for now: known beforehand, no request asks the broker."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from evenflow.common.adapters.log.cursors import Cursor
from evenflow.common.adapters.log.cuts import Cut
from evenflow.common.adapters.log.extent import refuse_when_full
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.retention.plan import Base, Extent

EVERY_SECONDS: Final = 1.0
"""What may be appended meanwhile is small beside the reserve that lies above the limit."""


class Cursors(Protocol):
    """The readers' cursors."""

    async def all(self) -> dict[str, Cursor]:
        """Return every reader's cursor, by name."""

    async def drop(self, reader: str) -> None:
        """Forget a reader."""


class Bases(Protocol):
    """The states that others can start from."""

    async def bases(self) -> list[Base]:
        """Return all of them, oldest first."""


class Cuts(Protocol):
    """The record of cuts."""

    async def all(self) -> list[Cut]:
        """Return the newest cuts, oldest first."""


class LogPlace(Protocol):
    """A shard's log, seen from outside: `ShardLog`."""

    @property
    def log_id(self) -> str:
        """What tells this log from others."""

    @property
    def cursors(self) -> Cursors:
        """How far each reader is."""

    @property
    def checkpoints(self) -> Bases:
        """The states that others can start from."""

    @property
    def cuts(self) -> Cuts:
        """The record of cuts."""

    async def extent(self) -> Extent:
        """Return what the log holds and may hold."""


class LogRoom:
    """Looks once a second how much the log holds."""

    def __init__(self, place: LogPlace | None, sent: Callable[[], int] = lambda: 0) -> None:
        """Nothing is asked before `run`; without a place nothing ever is, and there is room.

        `sent`: bytes that this gateway has appended so far, so that a second's worth is no guess.
        """
        self._sent = sent
        self._sent_before = 0
        self._place = place
        self.extent: Extent | None = None

    @property
    def place(self) -> LogPlace:
        """The log itself; raises TemporarilyUnavailable where this gateway has none."""
        if self._place is None:
            raise TemporarilyUnavailable("this gateway has no log to look at")
        return self._place

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Look now; what cannot be known stays as it was."""
        try:
            before = self._sent()
            self.extent = await self.place.extent()
            self._sent_before = before
        except TemporarilyUnavailable:
            return

    def check(self) -> None:
        """Raise LogFull when the log takes only what must always be taken."""
        if self.extent is not None:
            more = self._sent() - self._sent_before
            refuse_when_full(replace(self.extent, size_bytes=self.extent.size_bytes + more))
