"""A lease in NATS: one process of a kind holds it, the others stand by and take over.

A hint: it decides who *tries* to act. That two never succeed is the business of the log's fence.
"""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import uuid4

import nats.errors
import structlog
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.nats.connection import NatsConnection
from evenflow.common.adapters.nats.layout import LEASE_TTL_SECONDS
from evenflow.common.domain.errors import TemporarilyUnavailable

RENEW_SECONDS = 0.8  # three renewals fit into a lease, so one may fail
MARGIN_SECONDS = 0.5  # we stop believing this much before the broker does
_POLL_SECONDS = 0.3
_CLOSE_SECONDS = 5.0
_STALE = 2  # lives of a lease after which one that is not renewed should long be gone

_log = structlog.get_logger(__name__)


class Lease:
    """`ports.lease.LeaseHolder` on a bucket whose values age.

    It is renewed from a thread of its own with a connection of its own, so that a busy or blocked
    event loop does not lose it. Once lost it stays lost until `acquire` is called again.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[NatsConnection]],
        *,
        bucket: str,
        name: str,
        holder: str,
        ttl_seconds: float = LEASE_TTL_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        on_trouble: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """Compete for the lease `name`.

        Args:
            connect: opens the connection; called in the lease's own thread.
            bucket: the key-value bucket; its values age by `ttl_seconds`.
            name: what is leased, such as "engine".
            holder: who we are, for people who look at the bucket.
            ttl_seconds: how long the lease outlives its last renewal.
            monotonic: seconds that go on while this process is stopped.
            on_trouble: told in the caller's loop why the broker grants the lease to nobody, each
                time that it fails to answer; and "" when it answers again.
        """
        self._connect = connect
        self._bucket = bucket
        self._name = name
        self._holder = holder
        self._ttl_seconds = ttl_seconds
        self._trust_seconds = ttl_seconds - MARGIN_SECONDS
        self._monotonic = monotonic
        self._on_trouble = on_trouble
        self._value = b""
        self._revision = 0
        self._seen_revision: int | None = None  # of another's lease, and since when it stands
        self._seen_at = 0.0
        self._campaigns = 0  # the number of the present one; others are called off
        self._trusted_until: float | None = None  # None: not held
        self._lock = threading.Lock()
        self._lost = asyncio.Event()
        self._lost.set()
        self._home = asyncio.get_running_loop()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"lease-{name}", daemon=True
        )
        self._connection: NatsConnection | None = None
        self._renewal: asyncio.Task[None] | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lease now. May be asked from any thread."""
        with self._lock:
            if self._trusted_until is None:
                return False
            if self._monotonic() < self._trusted_until:
                return True
            self._trusted_until = None  # it cannot come back to life behind the caller's back
        self._tell_lost("not renewed in time")
        return False

    async def acquire(self) -> None:
        """Wait until this process holds the lease; where it does already, return at once."""
        while not self.is_held:
            self._campaigns += 1
            try:
                await self._in_thread(self._campaign(self._campaigns))
            except asyncio.CancelledError:
                # A request may swallow the cancellation (see async_tasks): the number ends it.
                self._campaigns += 1
                raise
            self._lost.clear()

    async def wait_lost(self) -> None:
        """Return when the lease is not held (any more)."""
        await self._lost.wait()

    async def release(self) -> None:
        """Give the lease up, so that a standby gets it at its next poll."""
        self._campaigns += 1
        await self._in_thread(self._give_up())
        self._lost.set()

    async def close(self) -> None:
        """Release, disconnect and end the thread; closing twice is fine."""
        if not self._thread.is_alive():
            if not self._loop.is_closed():
                self._loop.close()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.release()
                await self._in_thread(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, _CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _in_thread(self, work: Coroutine[Any, Any, None]) -> None:
        if not self._thread.is_alive():
            self._thread.start()
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    # What follows runs in the lease's thread.

    async def _campaign(self, number: int) -> None:
        await self._stop_renewal()
        self._value = f"{self._holder} {uuid4()}".encode()
        while number == self._campaigns:
            asked_at = self._monotonic()
            try:
                bucket = await self._open_bucket()
                self._revision = await bucket.create(self._name, self._value)
                break
            except KeyWrongLastSequenceError:
                if await self._adopt_own(bucket):
                    break
                self._tell_trouble(self._stale())
            except (nats.errors.Error, TemporarilyUnavailable, OSError) as error:
                _log.debug("lease_waits", lease=self._name, error=repr(error))
                self._tell_trouble(f"the broker grants no lease ({error!r})")
            await asyncio.sleep(_POLL_SECONDS * random.uniform(0.5, 1.5))
        else:
            return  # called off
        self._tell_trouble("")
        with self._lock:
            self._trusted_until = asked_at + self._trust_seconds
        if number != self._campaigns:
            await self._give_up()  # called off just as we won
            return
        _log.info("lease_acquired", lease=self._name, holder=self._holder)
        self._renewal = self._loop.create_task(self._renew(bucket))

    async def _renew(self, bucket: KeyValue) -> None:
        while self.is_held:
            await asyncio.sleep(RENEW_SECONDS)
            if not self.is_held:
                return  # a renewal now could succeed, but its holder has been told otherwise
            asked_at = self._monotonic()
            try:
                self._revision = await bucket.update(self._name, self._value, last=self._revision)
            except KeyWrongLastSequenceError:
                if not await self._adopt_own(bucket):
                    self._lose("taken by another, or expired")
                    return
            except (nats.errors.Error, OSError) as error:
                _log.warning("lease_renewal_failed", lease=self._name, error=repr(error))
                continue
            with self._lock:
                if self._trusted_until is not None:
                    # From when we asked: the broker counts from later, never from earlier.
                    self._trusted_until = asked_at + self._trust_seconds

    async def _adopt_own(self, bucket: KeyValue) -> bool:
        """Refused: is the newest value our own, its ack lost? Then go on from its revision."""
        try:
            entry = await bucket.get(self._name)
        except (KeyNotFoundError, nats.errors.Error, OSError):
            return False
        if entry.revision != self._seen_revision:
            self._seen_revision, self._seen_at = entry.revision, self._monotonic()
        if entry.value != self._value or entry.revision is None:
            return False
        self._revision = entry.revision
        return True

    def _stale(self) -> str:
        """Return why a lease neither renewed nor expired is nobody's; "" when it is held."""
        age = self._monotonic() - self._seen_at
        if age < _STALE * self._ttl_seconds:
            return ""
        return f"the broker keeps a lease that nobody renewed for {age:.0f} s"

    async def _give_up(self) -> None:
        await self._stop_renewal()
        with self._lock:
            was_held, self._trusted_until = self._trusted_until is not None, None
        if was_held:
            bucket = await self._open_bucket()
            with suppress(nats.errors.Error, OSError):  # then it expires by itself
                await bucket.delete(self._name, last=self._revision)
            _log.info("lease_released", lease=self._name, holder=self._holder)

    async def _stop_renewal(self) -> None:
        await end_task(self._renewal)
        self._renewal = None

    async def _open_bucket(self) -> KeyValue:
        if self._connection is None:
            self._connection = await self._connect()
        # Not looked up at the broker: the bucket's shape is ours, and the broker may be away now.
        return KeyValue(
            name=self._bucket,
            stream=f"KV_{self._bucket}",
            pre=f"$KV.{self._bucket}.",
            js=self._connection.js,
            direct=False,
        )

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def _tell_trouble(self, reason: str) -> None:
        with suppress(RuntimeError):  # the program's loop is gone already
            self._home.call_soon_threadsafe(self._on_trouble, reason)

    def _lose(self, reason: str) -> None:
        with self._lock:
            self._trusted_until = None
        self._tell_lost(reason)

    def _tell_lost(self, reason: str) -> None:
        _log.warning("lease_lost", lease=self._name, holder=self._holder, reason=reason)
        with suppress(RuntimeError):  # the program's loop is gone already
            self._home.call_soon_threadsafe(self._lost.set)
