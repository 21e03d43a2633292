"""A log in memory for tests: one order, fences, readers that wait. Its messages are real bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Fact
from evenflow.common.domain.errors import LogFull, LogMismatch, RevisionConflict
from evenflow.common.domain.facts.log import Skipped
from evenflow.common.domain.skips import Skips
from evenflow.common.ports.log import Fence, LogMessage, Origin

NOBODY = Origin()


class FakeLog:
    """`ports.log.FactLog`, and `open_reader` for `ports.log.FactReader`.

    `is_full` makes it refuse; `set_away(True)` makes appends wait as while a broker is gone.
    """

    def __init__(
        self, shard: str = "main", log_id: str = "fake-log", now: Callable[[], Instant] = lambda: 0
    ) -> None:
        """`now` gives `occurred_at` of what is appended."""
        self.shard = shard
        self.log_id = log_id
        self.messages: list[LogMessage] = []
        self.is_full = False
        self._now = now
        self._grown = asyncio.Condition()
        self._present = asyncio.Event()
        self._present.set()

    def set_away(self, is_away: bool) -> None:  # noqa: FBT001 - reads as a switch
        """Take the broker away, or bring it back."""
        if is_away:
            self._present.clear()
        else:
            self._present.set()

    @property
    def last(self) -> int:
        """Sequence of the newest message, 0 when there is none."""
        return len(self.messages)

    async def append(self, fact: Fact, origin: Origin = NOBODY) -> int:
        """Append the fact and return its sequence."""
        await self._present.wait()
        if self.is_full:
            raise LogFull("the log is full")
        sequence = self.last + 1
        envelope = codec.Envelope(
            event_id=f"event-{sequence}",
            occurred_at=self._now(),
            shard=self.shard,
            actor=origin.actor,
            correlation_id=origin.correlation_id,
            caused_by=origin.caused_by,
        )
        subject = subject_of(fact, self.shard)
        data = codec.encode(envelope, fact)
        async with self._grown:
            self.messages.append(LogMessage(sequence, subject, data, envelope.occurred_at))
            self._grown.notify_all()
        return sequence

    async def put_raw(self, subject: str, data: bytes) -> int:
        """Store bytes as they are, as a writer with a bug would; return their sequence."""
        async with self._grown:
            self.messages.append(LogMessage(self.last + 1, subject, data, 0))
            self._grown.notify_all()
        return self.last

    async def append_fenced(self, fact: Fact, fence: Fence, origin: Origin = NOBODY) -> int:
        """Append the fact if the fence holds; the fence advances."""
        found = self.fence_at(fence.subject).expected
        if found != fence.expected:
            raise RevisionConflict(f"{fence.subject} is at {found}, not {fence.expected}")
        fence.expected = await self.append(fact, origin)
        return fence.expected

    def fence_at(self, subject: str) -> Fence:
        """Return a fence that expects what is now the last message under `subject`."""
        for message in reversed(self.messages):
            if _matches(subject, message.subject):
                return Fence(subject, message.sequence)
        return Fence(subject, 0)

    async def open_reader(self, after: int = 0, told_of: int = 0) -> "FakeReader":  # noqa: ARG002 - what was lost here is gone for all
        """Read what comes after a sequence.

        Raises:
            LogMismatch: the log is shorter than that.
        """
        if after > self.last:
            raise LogMismatch(f"this state is at sequence {after}, the log ends at {self.last}")
        return FakeReader(self, after)

    async def wait_beyond(self, sequence: int) -> None:
        """Return when there is a message after `sequence`."""
        async with self._grown:
            await self._grown.wait_for(lambda: self.last > sequence)


class FakeSkips(Skips):
    """`ports.log.KnownSkips` on a `FakeLog`."""

    def __init__(self, log: FakeLog) -> None:
        """Nothing is known before `refresh`."""
        super().__init__()
        self._log = log

    async def refresh(self) -> None:
        """Look at what the log holds now."""
        for message in self._log.messages[self.known :]:
            if message.subject == subject_of(Skipped, self._log.shard):
                fact = codec.decode(message.subject, message.data).fact
                self.add(message.sequence, fact)


class FakeReader:
    """`ports.log.FactReader` on a `FakeLog`."""

    def __init__(self, log: FakeLog, after: int) -> None:
        """Begin behind `after`."""
        self._log = log
        self.skips = FakeSkips(log)
        self.sequence = after

    async def batches(self, max_messages: int = 500) -> AsyncIterator[Sequence[LogMessage]]:
        """Yield what is waiting; wait when nothing is."""
        while True:
            await self._log.wait_beyond(self.sequence)
            batch = self._log.messages[self.sequence : self.sequence + max_messages]
            self.sequence = batch[-1].sequence
            yield batch

    @property
    def known_end(self) -> int:
        """The newest sequence of the log."""
        return self._log.last

    async def last_sequence(self) -> int:
        """Return the newest sequence of the log."""
        return self._log.last

    async def holds(self, sequence: int, event_id: str) -> bool:
        """Whether the log holds that message there."""
        return await self.event_id_at(sequence) == event_id

    async def event_id_at(self, sequence: int) -> str | None:
        """Return the event id of the message there."""
        if not 0 < sequence <= self._log.last:
            return None
        message = self._log.messages[sequence - 1]
        return codec.decode(message.subject, message.data).event_id

    async def close(self) -> None:
        """Nothing to let go of."""


def _matches(pattern: str, subject: str) -> bool:
    wanted, found = pattern.split("."), subject.split(".")
    return len(wanted) == len(found) and all(
        w in ("*", f) for w, f in zip(wanted, found, strict=True)
    )
