"""The live state for pages: one snapshot for all who watch, made anew when something changed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from evenflow.gateway.gateway import Gateway
from evenflow.gateway.page.documents import page_document

PERIOD_SECONDS: Final = 0.5
_OLDEST_SECONDS: Final = 2.0
"""Services come and go without a fact: while someone looks, no snapshot is older than this."""


@dataclass(slots=True)
class _Made:
    number: int = 0
    version: int = -1
    at: float = 0.0
    data: bytes = b""


class LiveState:
    """Makes snapshots for everybody who watches, at most two a second."""

    def __init__(self, gateway: Gateway) -> None:
        """Nothing is made while nobody watches."""
        self._gateway = gateway
        self._made = _Made()
        self._making = asyncio.Lock()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield `snapshot` events until the service stops: the first at once."""
        gateway = self._gateway
        stopping = asyncio.ensure_future(gateway.stopping())
        seen = 0
        try:
            while not stopping.done():
                made = await self._newest()
                if made.number != seen:
                    seen = made.number
                    yield b"id: %d\nevent: snapshot\ndata: %s\n\n" % (seen, made.data)
                await asyncio.wait({stopping}, timeout=PERIOD_SECONDS)
        finally:
            stopping.cancel()

    async def _newest(self) -> _Made:
        async with self._making:
            made, version = self._made, self._gateway.progress.version
            now = time.monotonic()
            age = now - made.at
            is_stale = version != made.version and age >= PERIOD_SECONDS
            if not made.number or is_stale or age >= _OLDEST_SECONDS:
                document: Any = await page_document(self._gateway)
                data = json.dumps(document, separators=(",", ":")).encode()
                self._made = _Made(made.number + 1, version, now, data)
            return self._made
