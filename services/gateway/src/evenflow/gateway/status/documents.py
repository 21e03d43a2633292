"""What REST says about the system as a whole (API-01). Pure."""

from typing import Any

from typing_extensions import TypedDict

from evenflow.gateway.clock.documents import ClockDocument


class ServiceDocument(TypedDict):
    """One service as API-01 shows it; with standbys, the one that acts."""

    state: str
    pid: int | None
    version: str | None
    last_seen: str | None
    role: str | None
    cursor: int | None
    reasons: dict[str, str]
    url: str
    instances: int


class Restarts(TypedDict):
    """How often `evenflow up` started a process again since its own start, and why at last."""

    count: int
    reason: str


class StatusDocument(TypedDict):
    """API-01. `state`: ready, or degraded when anything is not as it should be.

    `restarts` holds the processes that `evenflow up` started again, by name.
    `warnings` say what works and is dangerous all the same.
    """

    state: str
    shard: str
    cluster: str
    version: str
    sequence: int
    clock: ClockDocument
    services: dict[str, ServiceDocument]
    usage: dict[str, Any]
    scheduler: dict[str, Any]
    bus: dict[str, Any]
    redis: dict[str, Any]
    restarts: dict[str, Restarts]
    nats_url: str
    redis_url: str
    stale: bool
    warnings: list[str]
