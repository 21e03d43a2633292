"""What looking after the log needs of the bus: single messages, dead letters, what is skipped."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from evenflow.common.adapters.log.gaps import StoredSpan
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import TemporarilyUnavailable, UnreadableMessage
from evenflow.common.domain.facts.log import Skipped
from evenflow.common.ports.log import FactLog, KnownSkips, LogMessage, Origin

_PATIENCE_SECONDS: Final = 20.0  # a broker that has just recovered is slow at first


JobsBetween = Callable[[Instant, Instant | None, int], Awaitable[list[str]]]


async def _no_jobs(_after: Instant, _until: Instant | None, _limit: int) -> list[str]:
    return []


class CareBus(Protocol):
    """The bus, as far as the log is looked after."""

    @property
    def skips(self) -> KnownSkips:
        """What readers pass over."""

    async def message_at(self, sequence: int) -> LogMessage | None:
        """Return the message as it is stored, None when there is none."""

    async def span(self) -> StoredSpan:
        """Return what the log says that it holds, and what is gone from within."""

    async def cursors(self) -> dict[str, int]:
        """Return up to which sequence readers have folded the log, by name."""

    async def states(self) -> dict[int, bool]:
        """Return the checkpoints' sequences, and whether the log holds what they end with."""

    async def set_cursors_back(self, to: int) -> None:
        """Set back the cursors that are beyond a sequence."""

    async def put_aside(self, error: UnreadableMessage, data: bytes) -> None:
        """Keep what nobody can read among the dead letters."""


@dataclass(frozen=True, slots=True)
class LogCare:
    """One shard's log, to be looked after; works whatever a reader stands at."""

    bus: CareBus
    log: FactLog
    view: Callable[[], int] = lambda: 0
    """Up to which sequence the view has folded the log."""
    jobs_between: JobsBetween = _no_jobs
    """Which jobs the view knows that were submitted between two instants."""

    async def append(self, fact: Skipped, origin: Origin) -> int:
        """Append the fact and return its sequence; fails soon when the bus is away.

        Raises:
            TemporarilyUnavailable: the bus does not answer; the fact may be in the log.
        """
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self.log.append(fact, origin)
        except TimeoutError as error:
            raise TemporarilyUnavailable(
                "the bus did not answer; look before you repeat"
            ) from error
