"""Read a shard's log from a place on: in order, each message once, and only from the right log."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from evenflow.common.adapters.log.skips import LogSkips
from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.ordered_feed import OrderedFeed
from evenflow.common.adapters.nats.publishing import MESSAGE_ID
from evenflow.common.adapters.nats.streams import log_id_of
from evenflow.common.domain.errors import BrokenInvariant, LogCut, LogGap, LogMismatch
from evenflow.common.ports.log import LogMessage

BATCH_MESSAGES = 500


class LogReader:
    """`ports.log.FactReader` on one ordered consumer; an async context manager, or open and close.

    Fold in batches: `async for batch in reader.batches()` gives what is waiting, at once.
    """

    def __init__(
        self,
        connection: NatsConnection,
        *,
        stream: str,
        log_id: str,
        after: int,
        subjects: Sequence[str] = (),
        skips: LogSkips | None = None,
        told_of: int = 0,
    ) -> None:
        """Read what comes after sequence `after` (0: from the beginning).

        Args:
            connection: shared with others; the reader does not close it.
            stream: the log's stream.
            log_id: the log that `after` belongs to; empty when `after` is 0 and any log will do.
            after: the sequence up to which the caller's state is complete.
            subjects: exact subjects or patterns that do not overlap; none means all.
            skips: what is passed over; readers of one process share it.
            told_of: where the caller's state was last told of a loss; see `Skips.is_dropped`.
        """
        self._connection = connection
        self._stream = stream
        self._log_id = log_id
        self._is_whole = not subjects
        self.skips = skips or LogSkips(connection, stream)
        self._told_of = told_of
        self._sequence = after
        self._rest: deque[LogMessage] = deque()  # taken, not handed out
        self._feed = OrderedFeed(
            connection, stream, after=after, subjects=tuple(subjects), check=self._check_again
        )

    @property
    def sequence(self) -> int:
        """Sequence of the newest message handed out, or where reading began."""
        return self._sequence

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that the log held when last heard of was handed out."""
        return self._feed.is_complete and self._sequence >= self._feed.received

    @property
    def known_end(self) -> int | None:
        """Sequence of the log's newest message, as last heard of; None when it is not known now."""
        return self._feed.known_end

    async def open(self) -> None:
        """Check that the log continues where the caller's state ends, and begin.

        Raises:
            LogMismatch: it is another log, or it no longer (or does not yet) hold what comes next.
        """
        if self._is_whole:
            with broker_errors(f"reading {self._stream}"):
                await self.skips.refresh()
        await self._check_place(self._sequence)
        await self._feed.start()

    async def close(self) -> None:
        """Stop reading; closing twice is fine."""
        await self._feed.close()

    async def batches(
        self, max_messages: int = BATCH_MESSAGES
    ) -> AsyncIterator[Sequence[LogMessage]]:
        """Yield what is waiting, at once, at least one message and at most `max_messages`.

        Raises:
            LogGap: what comes next is gone. Called again, reading goes on there.
            LogMismatch: the log was replaced or cut.
        """
        while True:
            if not self._rest:
                await self._take(max_messages)
            batch = self._next(max_messages)
            self._sequence = batch[-1].sequence
            yield batch

    async def __aiter__(self) -> AsyncIterator[LogMessage]:
        """Yield message by message; see `batches`. Left in the middle, the next goes on there."""
        while True:
            if not self._rest:
                await self._take(BATCH_MESSAGES)
            message = self._next(1)[0]
            self._sequence = message.sequence
            yield message

    async def _take(self, max_messages: int) -> None:
        while not self._rest:
            try:
                self._rest.extend(await self._feed.take(max_messages))
            except LogGap as gap:
                if await self.event_id_at(gap.first) is None:
                    raise
                self._feed.begin_again()  # it is there: only this consumer has not sent it

    def _next(self, max_messages: int) -> list[LogMessage]:
        """Take from what waits what follows without a gap; a reader of some subjects has none."""
        expected = self._sequence + 1
        first = self._rest[0].sequence
        if first < expected:
            raise BrokenInvariant("the log went backwards", f"at {first}", f"expected {expected}")
        if self._is_whole and first > expected and not self.skips.covers(expected, first - 1):
            raise LogGap(expected, first - 1)
        batch = [self._rest.popleft()]
        while self._rest and len(batch) < max_messages:
            apart = self._rest[0].sequence - batch[-1].sequence
            if apart < 1 or (self._is_whole and apart > 1):
                break
            batch.append(self._rest.popleft())
        return batch

    async def holds(self, sequence: int, event_id: str) -> bool:
        """Whether the log holds that message there, or no longer reaches so far back.

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """
        found = await self.event_id_at(sequence)
        if found is not None:
            return found == event_id
        first, _ = await self._check_log()
        return sequence < first

    async def event_id_at(self, sequence: int) -> str | None:
        """Return the event id of the message there; None when there is none (any more).

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """
        with broker_errors(f"looking at sequence {sequence} of {self._stream}"):
            try:
                found = await self._connection.js.get_msg(self._stream, sequence)
            except ServiceUnavailableError:
                raise  # the broker is only starting
            except APIError:  # not there, or there and damaged
                return None
        return str((found.headers or {}).get(MESSAGE_ID, ""))

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def last_sequence(self) -> int:
        """Return the sequence of the newest message in the log, 0 when it never held any."""
        with broker_errors(f"asking where {self._stream} ends"):
            info = await self._connection.js.stream_info(self._stream)
        return info.state.last_seq

    async def _check_place(self, at: int) -> None:
        first, last = await self._check_log()
        if at > last and self.skips.is_dropped(at, told_of=self._told_of):
            raise LogMismatch(f"what was folded up to {at} was lost, and is dropped")
        if at > last:
            raise LogCut(
                f"this state is at sequence {at}, log {self._log_id} ends at {last}: "
                "the log was cut or restored; drop the state and fold again"
            )
        if first > at + 1 and not self.skips.covers(at + 1, first - 1):
            if at == 0:
                raise LogGap(1, first - 1)
            raise LogMismatch(
                f"this state is at sequence {at}, log {self._log_id} begins at {first}: "
                "what lies between was purged; begin from a newer checkpoint"
            )

    async def _check_again(self, received: int) -> None:
        """Check before each new consumer: meanwhile the log may have been replaced or cut."""
        if self._is_whole:
            await self._check_place(received)
        else:
            await self._check_log()  # what was purged may be on other subjects only

    async def _check_log(self) -> tuple[int, int]:
        with broker_errors(f"checking {self._stream}"):
            try:
                info = await self._connection.js.stream_info(self._stream)
            except NotFoundError as error:
                raise LogMismatch(
                    f"there is no stream {self._stream}: start the system, or restore it"
                ) from error
        found = log_id_of(info)
        if self._log_id and found != self._log_id:
            raise LogMismatch(
                f"this state belongs to log {self._log_id}, stream {self._stream} is log {found}: "
                "drop the state and fold the log from its beginning or its own checkpoint"
            )
        self._log_id = found
        return info.state.first_seq, info.state.last_seq
