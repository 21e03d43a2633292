"""How far each service has read the log: for retention, which cuts nothing above, and for lag."""

import json
from dataclasses import asdict, dataclass

from nats.js.errors import KeyNotFoundError, NoKeysError

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.stream_names import cursors_bucket
from evenflow.common.domain.errors import UnreadableMessage


@dataclass(frozen=True, slots=True)
class Cursor:
    """The reader's state is complete up to `sequence` of log `log_id`."""

    log_id: str
    sequence: int


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


class CursorStore:
    """Cursors by reader. Writing one is cheap, and meant to be done about once a second."""

    def __init__(self, connection: NatsConnection, shard: str) -> None:
        """Use the shard's bucket."""
        self._connection = connection
        self._marks = Bookmarks(connection, shard)

    async def put(self, reader: str, cursor: Cursor) -> None:
        """Keep the reader's cursor in place of its last one."""
        await self._marks.put(reader, json.dumps(asdict(cursor)).encode())

    async def get(self, reader: str) -> Cursor | None:
        """Return the reader's cursor, None when it never kept one.

        Raises:
            UnreadableMessage: something else is stored under its name.
        """
        found = await self._marks.get(reader)
        return None if found is None else _read(f"{self._marks.bucket}/{reader}", found)

    async def all(self) -> dict[str, Cursor]:
        """Return every reader's cursor, by name in alphabetical order."""
        with broker_errors("listing the cursors"):
            bucket = await self._connection.js.key_value(self._marks.bucket)
            try:
                readers = sorted(await bucket.keys())
            except NoKeysError:
                return {}
        found = {reader: await self.get(reader) for reader in readers}
        return {reader: cursor for reader, cursor in found.items() if cursor is not None}


def _read(where: str, data: bytes) -> Cursor:
    try:
        value = json.loads(data)
        return Cursor(str(value["log_id"]), int(value["sequence"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableMessage(where, f"not a cursor ({error})") from error
