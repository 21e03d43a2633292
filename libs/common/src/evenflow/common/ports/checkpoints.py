"""Where a fold's state is kept, so that a restart does not read the log from its beginning."""

from collections.abc import AsyncIterator
from typing import Protocol


class Checkpoints(Protocol):
    """Immutable snapshots of one log's fold, by the sequence they include."""

    async def save(self, sequence: int, data: bytes) -> None:
        """Keep `data` as the state after `sequence`; all but the newest few are dropped."""

    def newest(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield `(sequence, data)` newest first, only those that are whole."""
