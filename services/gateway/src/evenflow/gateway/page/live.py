"""The live state for pages: one snapshot for all who see the same, made when something changed."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from evenflow.gateway.edge.permits import projects_of
from evenflow.gateway.edge.principal import Principal
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


_NOTHING: Final = _Made()


class LiveState:
    """Makes snapshots for everybody who watches, at most two a second."""

    def __init__(self, gateway: Gateway) -> None:
        """Nothing is made while nobody watches."""
        self._gateway = gateway
        self._made: dict[frozenset[str] | None, _Made] = {}
        """By the projects that exist for who looks; None: all."""
        self._watching: Counter[frozenset[str] | None] = Counter()
        self._making = asyncio.Lock()

    async def events(
        self, principal: Principal, still_in: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[bytes]:
        """Yield `snapshot` events until the service stops: the first at once.

        They end as well when `still_in` says that who looks may look no more.
        """
        gateway, projects = self._gateway, projects_of(principal)
        stopping = asyncio.ensure_future(gateway.stopping())
        seen = 0
        self._watching[projects] += 1
        try:
            while not stopping.done() and still_in():
                made = await self._newest(principal)
                if made.number != seen:
                    seen = made.number
                    yield b"id: %d\nevent: snapshot\ndata: %s\n\n" % (seen, made.data)
                await asyncio.wait({stopping}, timeout=PERIOD_SECONDS)
        finally:
            stopping.cancel()
            self._watching[projects] -= 1
            if not self._watching[projects]:
                del self._watching[projects]
                self._made.pop(projects, None)

    async def _newest(self, principal: Principal) -> _Made:
        projects = projects_of(principal)
        async with self._making:
            made = self._made.get(projects, _NOTHING)
            version = self._gateway.progress.version
            now = time.monotonic()
            age = now - made.at
            is_stale = version != made.version and age >= PERIOD_SECONDS
            if not made.number or is_stale or age >= _OLDEST_SECONDS:
                document: Any = await page_document(self._gateway, principal)
                data = json.dumps(document, separators=(",", ":")).encode()
                made = self._made[projects] = _Made(made.number + 1, version, now, data)
            return made
