"""Put one message into the log exactly once, however often the broker goes away in between."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import nats.errors
import structlog
from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from evenflow.common.adapters.failpoint import failpoint
from evenflow.common.adapters.nats.connection import NatsConnection
from evenflow.common.adapters.nats.refusals import (
    is_definite,
    is_fence_refusal,
    is_full,
    is_too_large,
)
from evenflow.common.domain.errors import (
    BrokenInvariant,
    InvalidValue,
    LogFull,
    RevisionConflict,
)
from evenflow.common.ports.log import Fence

MESSAGE_ID = "Nats-Msg-Id"
_EXPECTED = "Nats-Expected-Last-Subject-Sequence"
_EXPECTED_UNDER = "Nats-Expected-Last-Subject-Sequence-Subject"
_ATTEMPT_SECONDS = 1.0
_PAUSE_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_WARN_EVERY = 10  # tries

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. `event_id` stays the same: by it the broker knows a repetition."""

    subject: str
    data: bytes
    event_id: str
    fence: Fence | None = None


class Publisher:
    """Publishes message after message into one stream. Never two at once: order is the point."""

    def __init__(
        self,
        connection: NatsConnection,
        stream: str,
        *,
        duplicate_window_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        """`duplicate_window_seconds` is the stream's."""
        self._connection = connection
        self._stream = stream
        # Past half the window the broker may have forgotten the first try: then we look ourselves.
        self._trust_seconds = duplicate_window_seconds / 2
        self._monotonic = monotonic
        self._floor: int | None = None  # no message of ours still in doubt lies at or below

    async def publish(self, message: Message) -> int:
        """Return the message's sequence once the broker holds it; try as long as it is away.

        Raises:
            TemporarilyUnavailable: the connection was closed.
            RevisionConflict: the message's fence does not hold.
            LogFull: the broker has no room; nothing was stored.
            InvalidValue: the message is larger than the broker takes.
            BrokenInvariant: the broker refuses it for a reason that only a bug can have.
        """
        tried_since: float | None = None
        tries = 0
        failpoint(f"append.{_kind(message)}")
        while True:
            await self._connection.wait_connected()
            try:
                if self._floor is None:
                    self._floor = await self._last_sequence()
                if tried_since is None:
                    tried_since = self._monotonic()
                in_doubt = self._monotonic() - tried_since > self._trust_seconds
                sequence = await self._attempt(message, in_doubt=in_doubt)
            except (nats.errors.Error, OSError) as error:
                await self._judge(error, message)
                tries += 1
                if tries % _WARN_EVERY == 0:
                    _log.warning("append_waits", subject=message.subject, reason=repr(error))
                pause = _PAUSE_SECONDS[min(tries, len(_PAUSE_SECONDS)) - 1]
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            else:
                failpoint(f"appended.{_kind(message)}")
                self._floor = max(self._floor, sequence)
                if message.fence:
                    message.fence.expected = sequence
                return sequence

    async def _attempt(self, message: Message, *, in_doubt: bool) -> int:
        if in_doubt:
            found = await self._find(message)
            if found is not None:
                return found
        try:
            return await self._try(message)
        except APIError as error:
            if message.fence and is_fence_refusal(error):
                return await self._own_under_fence(message, message.fence)
            raise

    async def _try(self, message: Message) -> int:
        headers = {MESSAGE_ID: message.event_id}
        if message.fence:
            headers[_EXPECTED] = str(message.fence.expected)
            headers[_EXPECTED_UNDER] = message.fence.subject
        # Not publish_async: it never reports an error.
        ack = await self._connection.js.publish(
            message.subject,
            message.data,
            timeout=_ATTEMPT_SECONDS,
            stream=self._stream,
            headers=headers,
        )
        return ack.seq

    async def _own_under_fence(self, message: Message, fence: Fence) -> int:
        """Refused: is what is last under the fence ours, its ack lost? Then return its place."""
        found = 0
        try:
            last = await self._connection.js.get_last_msg(self._stream, fence.subject)
        except NotFoundError:
            pass  # nothing is under the fence
        else:
            found = last.seq or 0
            if _id_of(last) == message.event_id:
                return found
        raise RevisionConflict(
            f"{message.subject} expected sequence {fence.expected} to be the last "
            f"under {fence.subject}, it is {found}: another writer was there"
        )

    async def _find(self, message: Message) -> int | None:
        """Look for the message among those stored on its subject since our last certain one."""
        sequence = self._floor or 0
        while True:
            try:
                stored = await self._connection.js.get_msg(
                    self._stream, sequence + 1, message.subject, next=True
                )
            except NotFoundError:
                return None
            sequence = stored.seq or 0
            if _id_of(stored) == message.event_id:
                return sequence

    async def _last_sequence(self) -> int:
        info = await self._connection.js.stream_info(self._stream)
        return info.state.last_seq

    async def _judge(self, error: Exception, message: Message) -> None:
        """Raise what another try would not change; return when it may."""
        if isinstance(error, nats.errors.MaxPayloadError):
            raise _too_large(message) from error
        if isinstance(error, NoStreamResponseError):
            await self._explain_silence(message)
        elif isinstance(error, APIError):
            if is_full(error):
                raise LogFull(
                    f"the log is full ({error.description}): nothing new is accepted, what was "
                    "accepted is safe; raise its limit or purge it"
                ) from error
            if is_too_large(error):
                raise _too_large(message) from error
            if is_definite(error):
                raise BrokenInvariant(
                    f"the log refused {message.subject}", str(error.description)
                ) from error

    async def _explain_silence(self, message: Message) -> None:
        """No stream took it: the broker is still starting, or the subject is not in the stream."""
        try:
            info = await self._connection.js.stream_info(self._stream)
        except (nats.errors.Error, OSError):
            return
        if message.subject not in (info.config.subjects or ()):
            raise BrokenInvariant(
                f"stream {self._stream} does not take {message.subject}", "it was not declared"
            )


def _kind(message: Message) -> str:
    return message.subject.split(".", 3)[-1]


def _id_of(stored: RawStreamMsg) -> str:
    return str((stored.headers or {}).get(MESSAGE_ID, ""))


def _too_large(message: Message) -> InvalidValue:
    return InvalidValue(
        "size",
        f"{len(message.data)} bytes",
        "is more than the broker takes in one message: send fewer at once",
    )
