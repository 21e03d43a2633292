"""How far each service has read the log: for retention, which cuts nothing above, and for lag."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from nats.js.errors import KeyNotFoundError, NoKeysError

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.stream_names import cursors_bucket
from evenflow.common.contracts.json_text import read_json
from evenflow.common.domain.errors import UnreadableMessage

RECORD_PREFIX: Final = "record."
"""Of what lies in the bucket and is no cursor."""


ANY_LOG: Final = ""
"""The log of a cursor that cannot be read."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The reader's state is complete up to `sequence` of log `log_id`."""

    log_id: str
    sequence: int
    # Wall, whole microseconds; 0: not known.
    written_at: int = field(default=0, compare=False)


def of_log(cursors: Mapping[str, Cursor], log_id: str) -> dict[str, Cursor]:
    """Return the cursors that hold this log; those of another one hold nothing."""
    return {name: each for name, each in cursors.items() if each.log_id in (log_id, ANY_LOG)}


class Bookmarks:
    """Small values by name in the shard's bucket of cursors; the newest one counts."""

    def __init__(self, connection: NatsConnection, shard: str) -> None:
        """Use the shard's bucket."""
        self._connection = connection
        self.bucket = cursors_bucket(shard)

    async def put(self, name: str, value: bytes) -> None:
        """Keep a value in place of the last one; raises TemporarilyUnavailable."""
        with broker_errors(f"keeping the cursor of {name}"):
            bucket = await self._connection.js.key_value(self.bucket)
            await bucket.put(name, value)

    async def get(self, name: str) -> bytes | None:
        """Return a value, None when none was kept; raises TemporarilyUnavailable."""
        with broker_errors(f"reading the cursor of {name}"):
            bucket = await self._connection.js.key_value(self.bucket)
            try:
                entry = await bucket.get(name)
            except KeyNotFoundError:
                return None
        return entry.value or b""

    async def drop(self, name: str) -> None:
        """Forget a value; raises TemporarilyUnavailable."""
        with broker_errors(f"dropping the cursor of {name}"):
            bucket = await self._connection.js.key_value(self.bucket)
            await bucket.delete(name)


class CursorStore:
    """Cursors by reader. Writing one is cheap, and meant to be done about once a second."""

    def __init__(self, connection: NatsConnection, shard: str) -> None:
        """Use the shard's bucket."""
        self._connection = connection
        self._marks = Bookmarks(connection, shard)

    async def put(self, reader: str, cursor: Cursor) -> None:
        """Keep the reader's cursor in place of its last one, and that it was written now."""
        stamped = replace(cursor, written_at=time.time_ns() // 1000)
        await self._marks.put(reader, json.dumps(asdict(stamped)).encode())

    async def drop(self, reader: str) -> None:
        """Forget a reader: its cursor holds nothing any more."""
        await self._marks.drop(reader)

    async def get(self, reader: str) -> Cursor | None:
        """Return the reader's cursor, None when it never kept one.

        Raises:
            UnreadableMessage: something else is stored under its name.
        """
        found = await self._marks.get(reader)
        return None if found is None else _read(f"{self._marks.bucket}/{reader}", found)

    async def all(self) -> dict[str, Cursor]:
        """Return every reader's cursor, by name in alphabetical order.

        One that cannot be read stands at the beginning of whatever log there is: it holds all.
        """
        with broker_errors("listing the cursors"):
            bucket = await self._connection.js.key_value(self._marks.bucket)
            try:
                keys = sorted(await bucket.keys())
            except NoKeysError:
                return {}
        readers = [key for key in keys if not key.startswith(RECORD_PREFIX)]
        found = {reader: await self._held(reader) for reader in readers}
        return {reader: cursor for reader, cursor in found.items() if cursor is not None}

    async def _held(self, reader: str) -> Cursor | None:
        try:
            return await self.get(reader)
        except UnreadableMessage:
            return Cursor(ANY_LOG, 0)


def _read(where: str, data: bytes) -> Cursor:
    try:
        value = read_json(data)
        at = int(value.get("written_at", 0))
        return Cursor(str(value["log_id"]), int(value["sequence"]), at)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableMessage(where, f"not a cursor ({error})") from error
