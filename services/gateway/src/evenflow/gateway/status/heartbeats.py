"""Who is alive: the newest heartbeat of every process, as API-01 shows them."""

import time
from collections.abc import Callable
from typing import Any, Final

from evenflow.common.contracts.json_text import read_json
from evenflow.common.domain.clock import Instant
from evenflow.gateway.status.clock_differences import ClockDifferences, difference_in_words
from evenflow.gateway.status.documents import ServiceDocument

LOST_SECONDS: Final = 3.5
"""Without a heartbeat for this long a process counts as lost: three of them were missed."""
FORGOTTEN_SECONDS: Final = 60.0
CLOCK: Final = "clock"
"""The reason under which a service's clock that differs is shown."""
SERVICES: Final = ("gateway", "exporter", "usage-aggregator", "policy-engine", "binder")

ACTING: Final[dict[str, str]] = {
    "policy-engine": "nobody decides",
    "binder": "nobody starts or stops runs",
    "usage-aggregator": "nobody takes usage snapshots",
}
"""Services of which one must lead, and what is missing while none does."""


class Heartbeats:
    """Keeps the last heartbeat of each process for a minute."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        wall: Callable[[], Instant] = lambda: time.time_ns() // 1000,
        clocks: ClockDifferences | None = None,
    ) -> None:
        """`monotonic` in seconds; `clocks` compares what heartbeats say with the `wall` clock."""
        self._monotonic = monotonic
        self._wall = wall
        self._clocks = clocks or ClockDifferences()
        self._last: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}

    def note(self, payload: bytes) -> None:
        """Take in one heartbeat; what cannot be read is left aside: it is news, not truth."""
        try:
            document = read_json(payload)
            key = str(document["service"]), str(document["instance"])
        except (ValueError, KeyError, TypeError):
            return
        now = self._monotonic()
        self._last[key] = (now, document)
        sent_at = document.get("sent_at")
        if isinstance(sent_at, int):
            self._clocks.note(key, sent_at, self._wall(), now)
        for old in [k for k, (at, _) in self._last.items() if now - at > FORGOTTEN_SECONDS]:
            del self._last[old]
            self._clocks.forget(old)

    def services(self, iso: Callable[[int], str]) -> dict[str, ServiceDocument]:
        """Return every known service and those that should be there, by name."""
        names = dict.fromkeys(SERVICES) | dict.fromkeys(name for name, _ in self._last)
        return {name: self._service(name, iso) for name in names}

    def _service(self, name: str, iso: Callable[[int], str]) -> ServiceDocument:
        now = self._monotonic()
        mine = [(at, doc) for (service, _), (at, doc) in self._last.items() if service == name]
        alive = [each for each in mine if now - each[0] <= LOST_SECONDS]
        if not mine:
            return _nobody()
        _, best = max(alive or mine, key=lambda each: (each[1].get("role") == "leader", each[0]))
        sent_at = best.get("sent_at")
        return ServiceDocument(
            state=str(best.get("state")) if alive else "lost",
            pid=best.get("pid"),
            version=best.get("version"),
            last_seen=iso(sent_at) if isinstance(sent_at, int) else None,
            role=best.get("role"),
            cursor=best.get("cursor"),
            reasons=_nobody_acts(name, best, is_alive=bool(alive))
            | (best.get("reasons") or {})
            | self._clock_reason(alive),
            url=str(best.get("url") or ""),
            instances=len(alive),
        )

    def _clock_reason(self, alive: list[tuple[float, dict[str, Any]]]) -> dict[str, str]:
        keys = [(str(doc["service"]), str(doc["instance"])) for _, doc in alive]
        found = [each for each in map(self._clocks.too_large, keys) if each is not None]
        return {CLOCK: difference_in_words(max(found, key=abs))} if found else {}


def _nobody_acts(name: str, best: dict[str, Any], *, is_alive: bool) -> dict[str, str]:
    """Say what is missing while no process of a service that elects a leader leads."""
    leads = is_alive and best.get("role") == "leader"
    return {} if leads or name not in ACTING else {"leader": ACTING[name]}


def _nobody() -> ServiceDocument:
    return ServiceDocument(
        state="unknown",
        pid=None,
        version=None,
        last_seen=None,
        role=None,
        cursor=None,
        reasons={},
        url="",
        instances=0,
    )
