"""The event stream: how a connection is asked for, and when and where to go on after one broke."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from evenflow.client.models.facts import FactEvent
from evenflow.client.requests.call import API

EVENTS: Final = f"{API}/events"
# The gateway says something every 15 s: twice that without a word is a dead connection.
STREAM_TIMEOUT: Final = httpx.Timeout(connect=3.0, read=30.0, write=10.0, pool=10.0)
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0


@dataclass(slots=True)
class Resume:
    """Where a stream is, so that a new connection goes on behind it."""

    begin: int | None = None  # first sequence; None: what comes now
    kinds: Sequence[str] = ()
    last: int | None = None  # the newest sequence handed out
    failures: int = 0  # connections in a row that brought nothing

    def params(self) -> dict[str, Any]:
        """Return the query of the next connection."""
        params: dict[str, Any] = {"kind": list(self.kinds)} if self.kinds else {}
        if self.begin is not None:
            params["from"] = self.begin
        return params

    def headers(self) -> dict[str, str]:
        """Return the headers of the next connection."""
        return {} if self.last is None else {"Last-Event-ID": str(self.last)}

    def accept(self, event_id: str, kind: str, data: str) -> FactEvent | None:
        """Return the fact of an event; None for comments and for what was handed out before."""
        if not event_id.isdigit():
            return None
        sequence = int(event_id)
        if self.last is not None and sequence <= self.last:
            return None
        self.last = sequence
        self.failures = 0
        return FactEvent(sequence, kind, data)

    def pause_seconds(self) -> float:
        """Return how long to wait before the next connection, and count the failure."""
        pause = _FIRST_PAUSE_SECONDS * float(2 ** min(self.failures, 10))
        self.failures += 1
        return min(_LONGEST_PAUSE_SECONDS, pause)
