"""What services need from the log: append facts, read them all in order. Decides nothing."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Fact


class LogMessage(NamedTuple):
    """One message as the log holds it. `sequence` is its place in the one total order."""

    sequence: int
    subject: str
    data: bytes
    stored_at: Instant


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fact comes from: who made it happen, for which request, after which event."""

    actor: str = ""
    correlation_id: str = ""
    caused_by: str = ""


@dataclass(slots=True)
class Fence:
    """A writer's claim: "the last message under `subject` (wildcards allowed) is `expected`".

    The broker refuses what is appended under a claim that no longer holds. A successful append
    moves `expected` to its own sequence, so one fence serves a writer for as long as it is alone.
    """

    subject: str
    expected: int = 0


class FactLog(Protocol):
    """Appending to the log."""

    async def append(self, fact: Fact, origin: Origin = ...) -> int:
        """Append the fact and return its sequence, once the broker holds it.

        Waits while the broker is away. Cancelled, the fact may or may not get into the log.

        Raises:
            LogFull: nothing was stored.
            RequestRejected: the fact is larger than a message may be.
        """

    async def append_fenced(self, fact: Fact, fence: Fence, origin: Origin = ...) -> int:
        """Append the fact if the fence still holds, and advance the fence.

        Raises:
            RevisionConflict: somebody else wrote under the fence; nothing was stored.
            LogFull: nothing was stored.
        """


class FactReader(Protocol):
    """Reading the log from a place on, in order, each message once."""

    def batches(self, max_messages: int = ...) -> AsyncIterator[Sequence[LogMessage]]:
        """Yield what is waiting, at once, at least one message and at most `max_messages`."""

    @property
    def known_end(self) -> int | None:
        """Sequence of the newest message, as last heard of; None when it is not known now."""

    async def last_sequence(self) -> int:
        """Return the sequence of the newest message in the log, 0 when it is empty."""
