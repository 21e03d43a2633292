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


class KnownSkips(Protocol):
    """Which sequences `log.skipped` tells readers to pass over, as far as was looked."""

    def covers(self, first: int, last: int) -> bool:
        """Whether all of these sequences are to be passed over."""

    def is_dropped(self, sequence: int, *, fits: bool = False, told_of: int = 0) -> bool:
        """Whether what was folded up to here is dropped, because the log has lost some of it.

        `fits`: it ends with a message that the log holds. `told_of`: where the newest loss was told
        that it has folded.
        """

    def cuts_ahead_of(self, sequence: int) -> set[int]:
        """Return where the losses were told of that lie behind this sequence."""

    async def refresh(self) -> None:
        """Look for newer ones, up to the log's end; raises TemporarilyUnavailable."""


class FactReader(Protocol):
    """Reading the log from a place on, in order, each message once."""

    @property
    def skips(self) -> KnownSkips:
        """What readers pass over."""

    def batches(self, max_messages: int = ...) -> AsyncIterator[Sequence[LogMessage]]:
        """Yield what is waiting, at once, at least one message and at most `max_messages`.

        Raises:
            LogGap: what comes next is gone, and nothing tells readers to pass over it. Called
                again, reading goes on there.
            LogCut: the log ends before what was read.
        """

    @property
    def known_end(self) -> int | None:
        """Sequence of the newest message, as last heard of; None when it is not known now."""

    async def last_sequence(self) -> int:
        """Return the sequence of the newest message in the log, 0 when it is empty."""

    async def holds(self, sequence: int, event_id: str) -> bool:
        """Whether the log holds that message there, or no longer reaches so far back."""

    async def event_id_at(self, sequence: int) -> str | None:
        """Return the event id of the message there; None when there is none (any more)."""

    async def close(self) -> None:
        """Stop reading."""
