"""Idempotency-Key: the same key gives the same job, also when the first answer was lost.

A key is kept before its job is appended, with the ids the job will have; so a repetition after a
crash appends the same ids again, and the fold takes them once. Keys live in this gateway's database
for a day: a gateway with another database does not know them.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import delete, select

from evenflow.common.domain.errors import Conflict, InvalidValue
from evenflow.gateway.view import schema
from evenflow.gateway.view.store import Store

HEADER: Final = "Idempotency-Key"
KEPT_SECONDS: Final = 86_400
_LONGEST: Final = 255


class IdempotencyKeys:
    """Clients' keys and what was answered to them."""

    def __init__(self, store: Store) -> None:
        """Keys lie in the view's database."""
        self._store = store
        self._in_flight: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def holding(self, key: str, user: str) -> AsyncIterator[str]:
        """Be the only one who works on this key of a user; gives the key as it is kept.

        The same key of another user is another key: nobody learns what others have asked.

        Raises:
            InvalidValue: not a key.
        """
        if not 1 <= len(key) <= _LONGEST or not key.isprintable():
            raise InvalidValue(HEADER, key[:40], f"must have 1 to {_LONGEST} printable characters")
        key = hashlib.sha256(f"{user}\0{key}".encode()).hexdigest()
        lock = self._in_flight.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                yield key
        finally:
            if not lock.locked():
                self._in_flight.pop(key, None)

    async def known(self, key: str, body: bytes) -> Any | None:
        """Return what was kept under the key; None when it is new.

        Raises:
            Conflict: the key came with another body before.
        """
        table = schema.idempotency
        async with self._store.engine.connect() as connection:
            found = (await connection.execute(select(table).where(table.c.key == key))).mappings()
            row = found.first()
        if row is None:
            return None
        if row["digest"] != _digest(body):
            raise Conflict(
                f"{HEADER}: this key was used with another body before; take a new key",
                field=HEADER,
            )
        return json.loads(row["answer_json"])

    async def keep(self, key: str, body: bytes, answer: object) -> None:
        """Keep what the key stands for, durably."""
        row = {
            "key": key,
            "digest": _digest(body),
            "answer_json": json.dumps(answer),
            "made_at": time.time_ns() // 1000,
        }
        async with self._store.writing, self._store.engine.begin() as connection:
            await connection.execute(schema.idempotency.insert(), [row])

    async def sweep(self) -> int:
        """Drop keys older than a day; return how many."""
        table = schema.idempotency
        oldest = time.time_ns() // 1000 - KEPT_SECONDS * 1_000_000
        async with self._store.writing, self._store.engine.begin() as connection:
            done = await connection.execute(delete(table).where(table.c.made_at < oldest))
        return done.rowcount


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
