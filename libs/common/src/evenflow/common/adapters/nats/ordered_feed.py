"""One ordered, gapless feed of a stream that outlives broker restarts and lost consumers."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.nats.connection import NatsConnection
from evenflow.common.adapters.nats.delivery import Delivery
from evenflow.common.adapters.nats.flow_buffer import FlowBuffer
from evenflow.common.adapters.nats.refusals import is_definite
from evenflow.common.domain.errors import (
    BrokenInvariant,
    EvenflowError,
    LogGap,
    LogMismatch,
    TemporarilyUnavailable,
)
from evenflow.common.ports.log import LogMessage

_HEARTBEAT_SECONDS = 1.0
_SILENCE_SECONDS = 2.5  # two heartbeats missed: the consumer is gone
_RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
_GIVE_UP_ON_MISSING_STREAM = 20  # tries; a restarting broker may not know its streams for a moment

_log = structlog.get_logger(__name__)


class OrderedFeed:
    """A push consumer without acks, made anew from the last message received if anything is amiss.

    Why not nats-py's ordered consumer: it notices a lost consumer only after ten seconds of
    silence, has a bounded queue of its own that drops, and answers flow control before the
    messages were taken. Here memory is bounded by flow control alone: the broker sends on only
    when we have *taken* what it sent, so at most its window (it grows from 2 MB to 32 MB) waits
    here, however large the log is.
    """

    def __init__(
        self,
        connection: NatsConnection,
        stream: str,
        *,
        after: int,
        subjects: tuple[str, ...] = (),
        check: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        """Feed messages above sequence `after`: all, or those on `subjects` (without overlap).

        `check` is awaited before a consumer is made again after a loss, with the newest sequence
        received; when it raises an error of ours that trying again does not mend, `take` raises it.
        """
        self._connection = connection
        self._stream = stream
        self._subjects = subjects
        self._check = check
        self._received = after  # stream sequence of the newest message in the buffer, or taken
        self._buffer = FlowBuffer(self._answer)
        self._wake = asyncio.Event()
        self._restart = asyncio.Event()
        self._subscription: Subscription | None = None
        self._consumer = ""
        self._generation = 0  # of consumers; what an older one still delivers is ignored
        self._consumer_sequence = 0
        self._is_closed = False
        self._pending = -1
        self._stands_at = (
            0  # stream sequence up to which the consumer has looked, by two heartbeats
        )
        self._said_at = 0
        self._heard_at = 0.0
        self._failure: EvenflowError | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._forget_listener = connection.on_reconnected(self._restart.set)

    @property
    def received(self) -> int:
        """Sequence of the newest message that arrived here, taken or not."""
        return self._received

    @property
    def is_complete(self) -> bool:
        """Whether everything the stream held when last heard of has arrived here, taken or not."""
        return self._pending == 0

    @property
    def known_end(self) -> int | None:
        """Sequence of the stream's newest message, if it is known; right where all are read.

        What waits in the stream and what has arrived: the broker says it with every message.
        """
        if self._pending < 0 or not self._connection.is_connected:
            return None
        return self._received + self._pending

    async def start(self) -> None:
        """Begin; messages arrive from now on."""
        self._restart.set()
        self._keeper = asyncio.create_task(self._keep_alive())

    async def take(self, max_messages: int) -> list[LogMessage]:
        """Return what is waiting, at least one message, as soon as there is one.

        Raises:
            LogMismatch: the stream is gone.
            LogGap: the stream ends with messages that are gone: its sequences go on, nothing comes.
        """
        while True:
            if taken := await self._buffer.take(max_messages):
                return taken
            if self._failure:
                raise self._failure
            if self._stands_at > self._received and not self._subjects:
                raise LogGap(self._received + 1, self._stands_at)
            self._wake.clear()
            await self._wake.wait()

    def begin_again(self) -> None:
        """Ask for another consumer: this one is in doubt."""
        self._stands_at = self._said_at = 0
        self._abandon()

    async def close(self) -> None:
        """Stop, and let the broker forget the consumer. Who waits for messages gets an error."""
        ended = TemporarilyUnavailable(f"reading {self._stream} was ended")
        self._fail(self._failure or ended)
        self._forget_listener()
        await end_task(self._keeper)
        await self._drop_subscription()
        if self._consumer and self._connection.is_connected:
            with contextlib.suppress(nats.errors.Error):
                await self._connection.js.delete_consumer(self._stream, self._consumer)

    async def _keep_alive(self) -> None:
        """Make the consumer anew when asked to, or when the broker has been silent for too long."""
        loop = asyncio.get_running_loop()
        while not self._is_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT_SECONDS):
                    await self._restart.wait()
            silent = loop.time() - self._heard_at > _SILENCE_SECONDS
            if not self._restart.is_set() and not silent:
                continue
            self._restart.clear()
            try:
                await self._connect_consumer()
            except EvenflowError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - else the reader would wait for ever, silently
                self._fail(BrokenInvariant("the feed broke", repr(error)))

    def _fail(self, error: EvenflowError) -> None:
        self._failure = error
        self._is_closed = True
        self._wake.set()

    async def _connect_consumer(self) -> None:
        tries = 0
        while not self._is_closed:
            await self._connection.wait_connected()
            try:
                await self._try_connect_consumer()
            except NotFoundError as error:
                if tries >= _GIVE_UP_ON_MISSING_STREAM:
                    raise LogMismatch(f"stream {self._stream} is gone: restore it") from error
            except APIError as error:
                if is_definite(error):
                    raise LogMismatch(
                        f"stream {self._stream} cannot be read from {self._received + 1}: "
                        f"{error.description}"
                    ) from error
            except (nats.errors.Error, TemporarilyUnavailable, OSError) as error:
                _log.debug("feed_waits", stream=self._stream, error=repr(error))
            else:
                return
            await asyncio.sleep(_RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)])
            tries += 1

    async def _try_connect_consumer(self) -> None:
        await self._drop_subscription()
        if self._check and self._generation:
            await self._check(self._received)
        client = self._connection.client
        inbox = client.new_inbox()
        self._generation += 1
        self._consumer_sequence = 0
        self._heard_at = asyncio.get_running_loop().time()
        self._subscription = await client.subscribe(
            inbox,
            cb=partial(self._receive, self._generation),
            pending_msgs_limit=-1,
            pending_bytes_limit=-1,
        )
        info = await self._connection.js.add_consumer(
            self._stream,
            config=ConsumerConfig(
                deliver_subject=inbox,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._received + 1,
                ack_policy=AckPolicy.NONE,
                max_deliver=1,
                flow_control=True,
                idle_heartbeat=_HEARTBEAT_SECONDS,
                inactive_threshold=5.0,
                mem_storage=True,
                num_replicas=1,
                filter_subjects=list(self._subjects) or None,
            ),
        )
        self._consumer = info.name
        if self._consumer_sequence == 0:
            self._pending = info.num_pending or 0
        self._wake.set()

    async def _drop_subscription(self) -> None:
        old, self._subscription = self._subscription, None
        if old is not None:
            with contextlib.suppress(nats.errors.Error):
                await old.unsubscribe()

    async def _receive(self, generation: int, message: Msg) -> None:
        if generation != self._generation:
            return  # left over from a consumer we have given up
        self._heard_at = asyncio.get_running_loop().time()
        if message.headers and "Status" in message.headers:
            await self._receive_control(message)
            return
        delivery = Delivery.of(message.reply)
        if delivery.consumer_sequence <= self._consumer_sequence:
            return  # delivered twice
        if delivery.consumer_sequence != self._consumer_sequence + 1:
            _log.debug("feed_gap", stream=self._stream, after=self._received)
            self._abandon()
            return
        self._consumer_sequence = delivery.consumer_sequence
        self._pending = delivery.pending
        if delivery.sequence <= self._received:
            return
        self._received = delivery.sequence
        self._buffer.put(
            LogMessage(delivery.sequence, message.subject, message.data, delivery.stored_at)
        )
        self._wake.set()

    async def _receive_control(self, message: Msg) -> None:
        headers = message.headers or {}
        if message.reply:  # a flow-control request: the answer says that all before it was taken
            await self._buffer.put_reply(message.reply)
            return
        if int(headers.get("Nats-Last-Consumer", "0")) > self._consumer_sequence:
            self._abandon()  # messages were sent that never came
            return
        self._note_end(headers)
        if stalled := headers.get("Nats-Consumer-Stalled"):
            await self._buffer.put_reply(stalled)

    def _note_end(self, headers: dict[str, str]) -> None:
        """Two heartbeats in a row say that the consumer stands behind messages it never sent."""
        if int(headers.get("Nats-Last-Consumer", "-1")) != self._consumer_sequence:
            return
        stands_at = int(headers.get("Nats-Last-Stream", "0"))
        if stands_at > self._received and stands_at == self._said_at:
            self._stands_at = stands_at
            self._wake.set()
        self._said_at = stands_at

    async def _answer(self, reply: str) -> None:
        with contextlib.suppress(nats.errors.Error):  # lost: the next heartbeat asks again
            await self._connection.client.publish(reply)

    def _abandon(self) -> None:
        """Listen to the present consumer no more, and ask for another."""
        self._generation += 1
        self._restart.set()
