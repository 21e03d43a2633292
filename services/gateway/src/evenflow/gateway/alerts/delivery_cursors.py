"""How far each receiver of alerts was told, kept on the bus: for whichever gateway tells next."""

import json
import time
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from evenflow.common.adapters.log.cursors import Bookmarks
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.contracts.json_text import read_json
from evenflow.common.domain.retention.readers import is_dead
from evenflow.gateway.alerts.deliveries import AlertPosition

_PREFIX: Final = "alerts-"
_MICROSECOND: Final = timedelta(microseconds=1)


class BusDeliveryCursors:
    """One bookmark a receiver. All may raise TemporarilyUnavailable."""

    def __init__(self, log: ShardLog) -> None:
        """Use the connection of the log."""
        self._marks = Bookmarks(log.connection, log.access.shard)
        self._readers = log.cursors

    async def get(self, receiver: str) -> tuple[str, AlertPosition] | None:
        """Return the log that a receiver was told of, and how far; None: nobody told it yet."""
        try:
            found = read_json(await self._marks.get(_PREFIX + receiver) or b"null")
            return str(found["log_id"]), AlertPosition(int(found["sequence"]), int(found["place"]))
        except (ValueError, KeyError, TypeError):
            return None

    async def put(self, receiver: str, log_id: str, done: AlertPosition) -> None:
        """Keep how far a receiver was told."""
        kept = {"log_id": log_id, **done._asdict(), "written_at": time.time_ns() // 1000}
        await self._marks.put(_PREFIX + receiver, json.dumps(kept).encode())

    async def forget_dead(self, keep: Collection[str], dead_after: timedelta) -> list[str]:
        """Drop the bookmarks of receivers that are none any more; return what they were called.

        One that was written lately stays: another gateway may know a receiver that this one does
        not, while settings change.
        """
        kept, now = {_PREFIX + receiver for receiver in keep}, time.time_ns() // 1000
        dropped = [
            name
            for name, cursor in (await self._readers.all()).items()
            if name.startswith(_PREFIX)
            and name not in kept
            and is_dead(cursor.written_at, now, dead_after // _MICROSECOND)
        ]
        for name in dropped:
            await self._marks.drop(name)
        return dropped
