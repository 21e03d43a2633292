"""How the whole system is, as known here and now."""

import time
from urllib.parse import urlsplit, urlunsplit

from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.process.heartbeat import beat
from evenflow.gateway.clock.documents import clock_document
from evenflow.gateway.edge.permits import sees
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.status.documents import StatusDocument
from evenflow.gateway.status.heartbeats import ACTING, CLOCK, SERVICES, Heartbeats
from evenflow.gateway.status.processes import restarts
from evenflow.gateway.status.redis_probe import RedisProbe
from evenflow.gateway.status.warnings import warnings_of
from evenflow.gateway.usage.in_use import age_seconds, expected_in_use, freshness_of
from evenflow.gateway.values.instants import iso, iso_or_none


def status_document(gateway: Gateway, principal: Principal) -> StatusDocument:
    """Return the status as known here and now; counts are of the projects that exist for one."""
    settings, state = gateway.settings, gateway.state()
    heartbeats, redis = gateway.part(Heartbeats), gateway.part(RedisProbe)
    heartbeats.note(beat(gateway.health, sent_at=time.time_ns() // 1000))
    services = heartbeats.services(iso)
    is_connected = gateway.is_bus_connected()
    is_ready = (
        is_connected
        and redis.is_connected
        and all(services[name]["state"] == "ready" for name in SERVICES)
        and all(services[name]["role"] == "leader" for name in ACTING)
        and not any(CLOCK in service["reasons"] for service in services.values())
    )
    in_use = expected_in_use(gateway)
    return StatusDocument(
        state="ready" if is_ready else "degraded",
        shard=settings.shard.name,
        cluster=settings.cluster,
        version=gateway.health.version,
        sequence=state.sequence,
        clock=clock_document(gateway),
        services=services,
        usage={
            "snapshot_age_seconds": age_seconds(in_use),
            "freshness": freshness_of(gateway, in_use),
            "degraded": not in_use.is_available,
            "sequence": in_use.sequence,
        },
        scheduler={
            "policy": state.settings.policy,
            "quota_provider": settings.quota.provider,
            "last_cycle_at": iso_or_none(gateway.progress.last_cycle_at),
            **counts(state, principal),
        },
        bus={"connected": is_connected},
        redis={"connected": redis.is_connected},
        restarts=restarts(),
        nats_url=",".join(without_secrets(url) for url in settings.nats.servers),
        redis_url=without_secrets(settings.redis.url),
        stale=not is_connected,
        warnings=warnings_of(settings),
    )


def counts(state: ShardState, principal: Principal) -> dict[str, int]:
    """Return the number of jobs that wait and that hold resources."""
    queues = [path for path in state.queues if sees(principal, path)]
    projects = [path for path in queues if "/" not in path]
    return {
        "pending_jobs": sum(state.count(path).pending for path in projects),
        "running_jobs": sum(state.ledger.held(path).jobs for path in projects),
        "nodes": len(state.nodes),
        "queues": len(queues),
    }


def without_secrets(url: str) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
