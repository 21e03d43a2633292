"""A reader's cursor, kept on the bus while it reads: nothing it still needs is cut."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from evenflow.common.adapters.log.cursors import Cursor, CursorStore
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.runtime.logging import Logger

EVERY_SECONDS: Final = 1.0
ALIVE_SECONDS: Final = 60.0
"""After this long it is written again though it has not moved: who is silent is dead."""


class CursorKeeper:
    """Writes one reader's cursor about once a second when it moved."""

    def __init__(
        self,
        cursors: CursorStore,
        log_id: str,
        reader: str,
        position: Callable[[], int | None],
        log: Logger,
    ) -> None:
        """`position`: up to where the reader needs nothing any more; None: it does not know yet."""
        self._cursors = cursors
        self._log_id = log_id
        self._reader = reader
        self._position = position
        self._log = log
        self._written: int | None = None
        self._written_at = 0.0

    async def run(self) -> None:
        """Keep it, until cancelled."""
        while True:
            try:
                await self.write()
            except TemporarilyUnavailable as error:  # it only bounds what may be cut
                self._log.debug("cursor_not_kept", reader=self._reader, reason=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def write(self) -> None:
        """Write it if it moved, or has not been written for long; raises TemporarilyUnavailable."""
        at = self._position()
        is_old = time.monotonic() - self._written_at >= ALIVE_SECONDS
        if at is None or (at == self._written and not is_old):
            return
        await self._cursors.put(self._reader, Cursor(self._log_id, at))
        self._written, self._written_at = at, time.monotonic()
