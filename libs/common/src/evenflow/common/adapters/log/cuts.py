"""Cut the log, and keep a record of every cut."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from evenflow.common.adapters.log.cursors import RECORD_PREFIX, Bookmarks
from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.contracts.json_text import read_json

_NAME: Final = f"{RECORD_PREFIX}cuts"
_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Cut:
    """What went, when, why no more, and who did it."""

    at: int  # wall, whole microseconds
    log_id: str
    first: int  # what was cut: from this sequence
    to: int  # to this one
    freed_bytes: int
    held_by: str
    by: str


class LogCuts:
    """Cuts of one shard's log. Only the engine that leads makes any; everybody may list them."""

    def __init__(self, connection: NatsConnection, shard: str) -> None:
        """Use the shard's stream, and its bucket of cursors for the record."""
        self._connection = connection
        self._stream = log_stream(shard)
        self._marks = Bookmarks(connection, shard)

    async def purge(self, to: int) -> int:
        """Remove everything up to a sequence; return how many facts went.

        Raises:
            TemporarilyUnavailable: the broker does not answer; it may be cut or not.
        """
        with broker_errors(f"cutting {self._stream}"):
            before = (await self._connection.js.stream_info(self._stream)).state.messages
            await self._connection.js.purge_stream(self._stream, seq=to + 1)
            return before - (await self._connection.js.stream_info(self._stream)).state.messages

    async def record(self, cut: Cut) -> None:
        """Keep a cut among the newest; raises TemporarilyUnavailable."""
        kept = [*await self.all(), cut][-_KEPT:]
        await self._marks.put(_NAME, json.dumps([asdict(each) for each in kept]).encode())

    async def all(self) -> list[Cut]:
        """Return the newest cuts, oldest first; what cannot be read counts as none."""
        found = await self._marks.get(_NAME)
        try:
            return [Cut(**each) for each in read_json(found or b"[]")]
        except (ValueError, TypeError):
            return []
