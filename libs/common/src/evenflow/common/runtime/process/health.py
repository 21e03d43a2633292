"""Is this process alive, ready, and what is it doing? Keeps conditions; checks nothing itself."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from evenflow.common.runtime.metrics import CONTENT_TYPE, Metrics

Role = Literal["leader", "standby"]
STARTING: Final = "starting"
LEASE: Final = "lease"
"""The reason under which a lease that the broker grants to nobody is shown."""


@dataclass(slots=True)
class Health:
    """What the service says about itself. It is ready while no condition stands.

    Born with the condition `starting`; the service clears it by `started()` when it is connected
    and has read its state.
    """

    service: str
    shard: str
    version: str
    role: Role | None = None  # only of services that elect a leader
    cursor: int | None = None  # last log sequence folded
    url: str = ""  # of the health endpoint, once it listens
    is_stopping: bool = False
    instance: str = field(default_factory=lambda: uuid4().hex)
    monotonic: Callable[[], float] = time.monotonic
    _conditions: dict[str, str] = field(default_factory=lambda: {STARTING: "not yet started"})
    _warnings: dict[str, str] = field(default_factory=dict)
    _born: float = field(init=False)

    def __post_init__(self) -> None:
        """Note when the process began."""
        self._born = self.monotonic()

    def fail(self, condition: str, reason: str) -> None:
        """Not ready until this condition is cleared; `reason` is for people."""
        self._conditions[condition] = reason

    def warn(self, condition: str, reason: str) -> None:
        """Show that something is wrong which keeps it from no work; until it is cleared."""
        self._warnings[condition] = reason

    def clear(self, condition: str) -> None:
        """The condition is over; clearing what does not stand is fine."""
        self._conditions.pop(condition, None)
        self._warnings.pop(condition, None)

    def note_lease(self, trouble: str) -> None:
        """Show why nobody can have the lease that this service competes for; "" when it can."""
        if trouble:
            self.warn(LEASE, trouble)
        else:
            self.clear(LEASE)

    def started(self) -> None:
        """Say that the service is connected and fed."""
        self.clear(STARTING)

    @property
    def reasons(self) -> dict[str, str]:
        """Condition to reason, of all that keeps it from being ready."""
        stopping = {"stopping": "draining"} if self.is_stopping else {}
        return self._conditions | stopping

    @property
    def is_ready(self) -> bool:
        """Whether it may be sent work."""
        return not self.reasons

    @property
    def state(self) -> Literal["starting", "ready", "not-ready", "stopping"]:
        """One word for the status page."""
        if self.is_stopping:
            return "stopping"
        if STARTING in self._conditions:
            return "starting"
        return "not-ready" if self._conditions else "ready"

    def status(self) -> dict[str, object]:
        """Return the document of `/status` and of the heartbeat."""
        return {
            "service": self.service,
            "shard": self.shard,
            "instance": self.instance,
            "pid": os.getpid(),
            "version": self.version,
            "state": self.state,
            "reasons": self._warnings | self.reasons,
            "role": self.role,
            "cursor": self.cursor,
            "uptime_seconds": round(self.monotonic() - self._born, 3),
            "url": self.url,
        }


def health_routes(health: Health, metrics: Metrics) -> list[Route]:
    """Return `/healthz`, `/readyz`, `/metrics` and `/status` (API-02), for any ASGI app."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_request: Request) -> Response:
        if health.is_ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": health.state, "reasons": health.reasons}, status_code=503)

    async def metrics_text(_request: Request) -> Response:
        metrics.is_ready.set(health.is_ready)
        return PlainTextResponse(metrics.render(), media_type=CONTENT_TYPE)

    async def status(_request: Request) -> Response:
        return JSONResponse(health.status())

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics_text),
        Route("/status", status),
    ]
