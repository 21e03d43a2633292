"""Clients that listen to server-sent events: how many may, and how long a slow one is kept."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from sse_starlette import EventSourceResponse

from evenflow.common.domain.errors import TemporarilyUnavailable

MOST_CLIENTS: Final = 200
HEARTBEAT_SECONDS: Final = 15
SLOW_SECONDS: Final = 10.0
"""A client that takes nothing for this long is dropped: it resumes by Last-Event-ID."""


@dataclass(slots=True)
class EventStreams:
    """The clients that listen now, of all streams together."""

    clients: int = 0

    def refuse_too_many(self) -> None:
        """Raise TemporarilyUnavailable when as many clients listen as may."""
        if self.clients >= MOST_CLIENTS:
            raise TemporarilyUnavailable(f"{MOST_CLIENTS} clients listen already", 5)

    def response(
        self, pieces: AsyncIterator[bytes], headers: Mapping[str, str] | None = None
    ) -> EventSourceResponse:
        """Return the answer that sends these pieces to one client, counted meanwhile."""
        return EventSourceResponse(
            self._counted(pieces),
            ping=HEARTBEAT_SECONDS,
            send_timeout=SLOW_SECONDS,
            sep="\n",
            headers=headers,
        )

    async def _counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self.clients += 1
        try:
            async for piece in pieces:
                yield piece
        finally:
            self.clients -= 1
