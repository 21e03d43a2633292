"""How the whole system is, as one document."""

import time
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from typing_extensions import TypedDict

from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.process.heartbeat import beat
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.documents import iso, iso_or_none
from evenflow.gateway.status.heartbeats import CLOCK, SERVICES, ServiceDocument
from evenflow.gateway.usage.in_use import age_seconds, freshness_of, judged_here

_BAD: Final = ("lost", "unknown", "not-ready")


class ClockDocument(TypedDict):
    """The shard's clock: its time now, and its seconds a second of the wall."""

    now: str
    rate: int


class StatusDocument(TypedDict):
    """API-01. `state`: ready, or degraded when anything is not as it should be."""

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
    nats_url: str
    redis_url: str
    stale: bool


def status_document(gateway: Gateway) -> StatusDocument:
    """Return the status as known here and now."""
    settings, state = gateway.settings, gateway.state()
    gateway.heartbeats.heard(beat(gateway.health, sent_at=time.time_ns() // 1000))
    services = gateway.heartbeats.services(iso)
    is_connected = gateway.is_bus_connected()
    is_ready = (
        is_connected
        and gateway.is_redis_connected()
        and all(services[name]["state"] == "ready" for name in SERVICES)
        and not any(CLOCK in service["reasons"] for service in services.values())
    )
    pulse, used = gateway.pulse, judged_here(gateway)
    return StatusDocument(
        state="ready" if is_ready else "degraded",
        shard=settings.shard.name,
        cluster=settings.cluster,
        version=gateway.health.version,
        sequence=state.sequence,
        clock=clock_document(gateway),
        services=services,
        usage={
            "snapshot_age_seconds": age_seconds(used),
            "freshness": freshness_of(gateway, used),
            "degraded": not used.is_available,
            "sequence": used.sequence,
        },
        scheduler={
            "policy": state.settings.policy,
            "quota_provider": settings.quota.provider,
            "last_cycle_at": iso_or_none(pulse.last_cycle_at),
            **counts(state),
        },
        bus={"connected": is_connected},
        redis={"connected": gateway.is_redis_connected()},
        nats_url=",".join(without_secrets(url) for url in settings.nats.servers),
        redis_url=without_secrets(settings.redis.url),
        stale=not is_connected,
    )


def clock_document(gateway: Gateway) -> ClockDocument:
    """Return the shard's clock."""
    return ClockDocument(now=iso(gateway.commands.now()), rate=gateway.state().clock.rate)


def counts(state: ShardState) -> dict[str, int]:
    """Return the number of jobs that wait and that hold resources."""
    projects = [path for path in state.queues if "/" not in path]
    return {
        "pending_jobs": sum(state.count(path).pending for path in projects),
        "running_jobs": sum(state.ledger.held(path).jobs for path in projects),
        "nodes": len(state.nodes),
        "queues": len(state.queues),
    }


def without_secrets(url: str) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
