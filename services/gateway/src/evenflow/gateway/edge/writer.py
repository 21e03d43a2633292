"""Append facts: fail soon when the bus is away, and let later reads wait for what was written."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts import jobs, log, nodes
from evenflow.common.ports.log import FactLog, Origin
from evenflow.gateway.edge.read_your_writes import ReadYourWrites

APPEND_PATIENCE_SECONDS: Final = 5.0


ALWAYS_TAKEN: Final = (jobs.CancelRequested, nodes.Cordoned, nodes.Uncordoned, log.Skipped)
"""A full log takes these all the same, from its reserve: they make room, or keep harm away."""


@dataclass(slots=True)
class FactWriter:
    """Appends what clients want; every sequence is noted for the reads that come after."""

    log: FactLog
    consistency: ReadYourWrites
    is_bus_connected: Callable[[], bool] = lambda: True
    check_room: Callable[[], None] = lambda: None
    """Raises LogFull when the log takes only what must always be taken."""
    standstill: Callable[[], object | None] = lambda: None
    """Where this gateway cannot read on: what it would judge by is old, so it accepts nothing."""

    async def append(self, fact: object, origin: Origin) -> int:
        """Append one fact and return its sequence; raises as `append_all`."""
        async with self.limited(is_always_taken=isinstance(fact, ALWAYS_TAKEN)):
            return self.consistency.note_write(await self.log.append(fact, origin))

    async def append_all(self, facts: Iterable[object], origin: Origin) -> int:
        """Append facts, at least one, at the same time; return the last sequence.

        Raises:
            TemporarilyUnavailable: the bus is away, or the log is full.
        """
        async with self.limited():
            sequences = await asyncio.gather(*(self.log.append(fact, origin) for fact in facts))
        return self.consistency.note_write(max(sequences))

    @asynccontextmanager
    async def limited(self, *, is_always_taken: bool = False) -> AsyncIterator[None]:
        """Append inside: fail soon when the bus is away, whatever the log's own patience.

        Raises:
            LogFull: nothing was sent; the log has no room but for what is always taken.
            TemporarilyUnavailable: nothing was sent, or nobody knows whether it was; it says which.
        """
        if not self.is_bus_connected():
            raise TemporarilyUnavailable("the bus is away; nothing was accepted, try again", 2)
        if standstill := self.standstill():
            raise TemporarilyUnavailable(f"nothing is accepted: {standstill}", 10)
        if not is_always_taken:
            self.check_room()
        try:
            async with asyncio.timeout(APPEND_PATIENCE_SECONDS):
                yield
        except TimeoutError as error:
            raise TemporarilyUnavailable(
                "the bus did not answer; the request may have been accepted: repeat it with the "
                "same Idempotency-Key, or look before you repeat it",
                2,
            ) from error
