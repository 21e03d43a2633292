"""Identifiers that sort by the time they were made."""

import secrets
import threading
import time
from collections.abc import Callable
from uuid import UUID

from evenflow.common.domain.clock import Instant

_VERSION = 7
_VARIANT = 0b10


class IdMaker:
    """Makes UUIDv7 (RFC 9562): milliseconds, then twelve bits of their fraction, then chance.

    Ids of one maker grow strictly, also within a microsecond and when the wall clock is set back.
    """

    def __init__(self, now: Callable[[], Instant] | None = None) -> None:
        """`now` gives microseconds since 1970 UTC; absent, the machine's clock does."""
        self._now = now or (lambda: time.time_ns() // 1000)
        self._last_stamp = 0
        self._lock = threading.Lock()

    def new(self) -> str:
        """Return an id larger than all this maker made before."""
        return self.new_at(self._now())

    def new_at(self, at: Instant) -> str:
        """Return an id of the given time, or just above the last one when that is later."""
        milliseconds, microseconds = divmod(at, 1000)
        stamp = milliseconds << 12 | (microseconds << 12) // 1000
        with self._lock:
            # Counting on from the last stamp borrows from the future while it must: RFC 9562, 6.2.
            stamp = max(stamp, self._last_stamp + 1)
            self._last_stamp = stamp
        return str(_uuid7(stamp, secrets.randbits(62)))


def made_at(identifier: str) -> Instant:
    """Return when a UUIDv7 was made, to the millisecond, in microseconds since 1970 UTC."""
    return (UUID(identifier).int >> 80) * 1000


def _uuid7(stamp: int, chance: int) -> UUID:
    milliseconds, fraction = stamp >> 12, stamp & 0xFFF
    return UUID(
        int=milliseconds << 80 | _VERSION << 76 | fraction << 64 | _VARIANT << 62 | chance,
    )
