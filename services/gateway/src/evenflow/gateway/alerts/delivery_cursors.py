"""How far each receiver of alerts was told, kept on the bus: for whichever gateway tells next."""

import json
import time
from typing import Final

from evenflow.common.adapters.log.cursors import Bookmarks
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.contracts.json_text import read_json
from evenflow.gateway.alerts.deliveries import AlertPosition

_PREFIX: Final = "alerts-"


class BusDeliveryCursors:
    """One bookmark a receiver. All may raise TemporarilyUnavailable."""

    def __init__(self, log: ShardLog) -> None:
        """Use the connection of the log."""
        self._marks = Bookmarks(log.connection, log.access.shard)

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
