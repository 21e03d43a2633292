"""Reads wait for writes: no answer is older than what this gateway or its client has written."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from evenflow.common.domain.errors import InvalidValue, TemporarilyUnavailable

SEQUENCE_HEADER: Final = "X-Evenflow-Sequence"
PATIENCE_SECONDS: Final = 2.0
_LARGEST: Final = 2**63


class ReadYourWrites:
    """Knows the newest acknowledged write and waits until the view has it."""

    def __init__(self, reach: Callable[[int], Awaitable[None]]) -> None:
        """`reach(sequence)` returns once the view holds that sequence."""
        self.written = 0
        self._reach = reach

    def note_write(self, sequence: int) -> int:
        """Note an acknowledged write and return its sequence."""
        self.written = max(self.written, sequence)
        return sequence

    async def wait(self, header: str | None = None) -> None:
        """Return when the view is as new as our own writes and as what the client has seen.

        Raises:
            InvalidValue: the header is not a sequence.
            TemporarilyUnavailable: the view did not get there in 2 s.
        """
        seen = 0
        if header is not None:
            if not header.isascii() or not header.isdigit() or int(header[:20]) >= _LARGEST:
                raise InvalidValue(SEQUENCE_HEADER, header[:40], "must be a sequence of the log")
            seen = int(header)
        await self.wait_for(max(seen, self.written))

    async def folded(self, sequence: int) -> None:
        """Return when the view holds `sequence`, however long that takes."""
        await self._reach(sequence)

    async def wait_for(self, sequence: int) -> None:
        """Return when the view holds `sequence`; raises TemporarilyUnavailable after 2 s."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._reach(sequence)
        except TimeoutError as error:
            raise TemporarilyUnavailable(
                f"the view has not reached sequence {sequence} yet; ask again"
            ) from error


def sequence_headers(sequence: int) -> dict[str, str]:
    """Return the header by which a client reads what it wrote; none when nothing was written."""
    return {SEQUENCE_HEADER: str(sequence)} if sequence else {}
