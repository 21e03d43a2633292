"""Append facts by group commit: what waits while one message is under way becomes the next one."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.nats.connection import NatsConnection
from evenflow.common.adapters.nats.layout import DUPLICATE_WINDOW_SECONDS
from evenflow.common.adapters.nats.publishing import Message, Publisher
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Fact
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.ports.log import Fence, Origin

MAX_RECORDS = 500
MAX_BYTES = 256 * 1024
NOBODY = Origin()


@dataclass(slots=True)
class _Waiting:
    """One caller's fact. `records` is None when it cannot share a message."""

    subject: str
    fact: Fact
    records: list[bytes] | None
    origin: Origin
    fence: Fence | None
    sequence: asyncio.Future[int]
    size: int = 0


class LogWriter:
    """`ports.log.FactLog`: one message in flight, no linger, facts in the order they were given.

    Waiting facts of one kind and one actor that follow each other share a message of at most 500
    records or 256 kB; a fact that is larger by itself travels alone and whole. A caller that is
    cancelled before its fact is under way takes it back; afterwards the fact may be in the log.
    """

    def __init__(
        self,
        connection: NatsConnection,
        *,
        stream: str,
        shard: str,
        now: Callable[[], Instant],
        new_id: Callable[[], str],
        duplicate_window_seconds: float = DUPLICATE_WINDOW_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Append to `stream`.

        Args:
            connection: shared with others; the writer does not close it.
            stream: the log's stream, or the samples'.
            shard: named in every envelope.
            now: the shard's clock, for `occurred_at`.
            new_id: makes event ids, each larger than the last.
            duplicate_window_seconds: the stream's.
            monotonic: measures how long a message has been in doubt.
        """
        self._shard = shard
        self._now = now
        self._new_id = new_id
        self._publisher = Publisher(
            connection,
            stream,
            duplicate_window_seconds=duplicate_window_seconds,
            monotonic=monotonic,
        )
        self._queue: deque[_Waiting] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._is_closed = False
        self.sent_bytes = 0  # of messages that the log took

    @property
    def waiting(self) -> int:
        """How many facts wait to be sent, without those under way."""
        return len(self._queue)

    async def append(self, fact: Fact, origin: Origin = NOBODY) -> int:
        """Append the fact and return its message's sequence, once the broker holds it.

        Raises:
            LogFull: the broker has no room; nothing was stored.
            InvalidValue: the fact is larger than the broker takes, or no reader could read it.
            TemporarilyUnavailable: the writer was closed before the fact was sent.
        """
        self._judge(fact, origin)
        records = codec.encode_records(fact) if codec.is_list(fact) else None
        return await self._enqueue(fact, records, origin, None)

    async def append_fenced(self, fact: Fact, fence: Fence, origin: Origin = NOBODY) -> int:
        """Append the fact, alone in its message, if the fence holds; the fence advances.

        What the fence expects is read when the message is sent, so several may wait at once.

        Raises:
            RevisionConflict: somebody else wrote under the fence; nothing was stored.
            LogFull: the broker has no room; nothing was stored.
        """
        self._judge(fact, origin)
        return await self._enqueue(fact, None, origin, fence)

    def _judge(self, fact: Fact, origin: Origin) -> None:
        """Refuse what readers could not read: they would all stand at it."""
        codec.judge(self._envelope(origin, event_id=""), fact)

    async def drain(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        while self._pump is not None:
            await asyncio.wait([self._pump])

    async def close(self) -> None:
        """Stop at once: facts that wait fail; the one under way may get into the log or not."""
        self._is_closed = True
        await end_task(self._pump)
        self._fail(self._queue)  # a pump that was ended before it began has failed nobody
        self._queue.clear()

    async def _enqueue(
        self, fact: Fact, records: list[bytes] | None, origin: Origin, fence: Fence | None
    ) -> int:
        if self._is_closed:
            raise TemporarilyUnavailable("this service is stopping and appends nothing more")
        waiting = _Waiting(
            subject_of(fact, self._shard),
            fact,
            records,
            origin,
            fence,
            asyncio.get_running_loop().create_future(),
            sum(map(len, records)) if records else 0,
        )
        self._queue.append(waiting)
        if self._pump is None:
            self._pump = asyncio.create_task(self._run())
        return await waiting.sequence

    async def _run(self) -> None:
        batch: list[_Waiting] = []
        try:
            while batch := self._next_batch():
                await self._send(batch)
        finally:
            self._pump = None
            self._fail(batch)

    def _fail(self, batch: Iterable[_Waiting]) -> None:
        for waiting in batch:
            if not waiting.sequence.done():
                waiting.sequence.set_exception(
                    TemporarilyUnavailable("the service stopped before this fact was in the log")
                )

    async def _send(self, batch: list[_Waiting]) -> None:
        try:
            message = self._message(batch)
            sequence = await self._publisher.publish(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the callers' to handle
            for waiting in batch:
                if not waiting.sequence.done():
                    waiting.sequence.set_exception(error)
        else:
            self.sent_bytes += len(message.data)
            for waiting in batch:
                if not waiting.sequence.done():
                    waiting.sequence.set_result(sequence)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        records = size = 0
        while self._queue:
            head = self._queue[0]
            if head.sequence.done():  # its caller took it back
                self._queue.popleft()
                continue
            records += len(head.records or ())
            size += head.size
            if batch and not (
                _may_share(batch[0], head) and records <= MAX_RECORDS and size <= MAX_BYTES
            ):
                break
            batch.append(self._queue.popleft())
        return batch

    def _envelope(self, origin: Origin, event_id: str) -> codec.Envelope:
        return codec.Envelope(
            event_id=event_id,
            occurred_at=self._now(),
            shard=self._shard,
            actor=origin.actor,
            correlation_id=origin.correlation_id,
            caused_by=origin.caused_by,
            release=codec.release(),
        )

    def _message(self, batch: list[_Waiting]) -> Message:
        first, origin = batch[0], _common_origin(batch)
        envelope = self._envelope(origin, self._new_id())
        if first.records is None:
            data = codec.encode(envelope, first.fact)
        else:
            records = [record for waiting in batch for record in waiting.records or ()]
            data = codec.assemble(type(first.fact), envelope, records)
        return Message(first.subject, data, envelope.event_id, first.fence)


def _may_share(first: _Waiting, other: _Waiting) -> bool:
    return (
        first.records is not None
        and other.records is not None
        and first.subject == other.subject
        and first.origin.actor == other.origin.actor
    )


def _common_origin(batch: list[_Waiting]) -> Origin:
    """What all facts of a message share; a request or cause that only some have is left out."""
    first = batch[0].origin
    if all(waiting.origin == first for waiting in batch):
        return first
    return Origin(actor=first.actor)
