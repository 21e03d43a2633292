"""How a service gets to its log: patiently at the start, visibly when the broker goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.domain.errors import NotProvisioned, TemporarilyUnavailable
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.common.runtime.settings import Settings

_LONGEST_PAUSE_SECONDS = 5.0
_LOOK_SECONDS = 0.25
_PROVISION_SECONDS = 1.0


def broker_access(settings: Settings, name: str) -> BrokerAccess:
    """Return where the broker is and as whom `name` speaks to it."""
    nats = settings.nats
    password = nats.password
    return BrokerAccess(
        url=nats.url,
        shard=settings.shard.name,
        name=f"evenflow-{name}",
        user=nats.user or "",
        password=password.get_secret_value() if password else "",
        credentials_file=nats.credentials_file,
        ca_file=nats.ca_file,
        cert_file=nats.cert_file,
        key_file=nats.key_file,
        api_prefix=nats.api_prefix or "",
        connect_timeout_seconds=nats.connect_timeout.total_seconds(),
        replicas=nats.replicas,
        max_bytes=settings.log_store.stream_bytes,
        reserve_bytes=settings.log_store.reserve,
        samples_max_age_seconds=settings.usage.sample_life.total_seconds(),
    )


@asynccontextmanager
async def connected_log(ctx: ServiceContext) -> AsyncIterator[ShardLog]:
    """Open the log, waiting for the broker as long as it takes; keep saying whether it is there.

    Sends the heartbeat too. The condition `nats` stands while the broker is away, `provisioning`
    while it has no streams for this shard and release.

    Raises:
        AccessDenied, UnsupportedServer, LogMismatch: waiting does not help.
    """
    access = broker_access(ctx.settings, ctx.health.service)
    pause = 0.2
    while True:
        try:
            opened = open_shard_log(access)
            log = await opened.__aenter__()
        except NotProvisioned as error:
            ctx.health.clear("nats")
            ctx.health.fail("provisioning", str(error))
            ctx.log.warning("not_provisioned", reason=str(error), retry_seconds=_PROVISION_SECONDS)
            await asyncio.sleep(_PROVISION_SECONDS)
        except TemporarilyUnavailable as error:
            ctx.health.fail("nats", str(error))
            ctx.log.warning("broker_unavailable", reason=str(error), retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            break
    try:
        ctx.health.clear("nats")
        ctx.health.clear("provisioning")
        ctx.spawn(_watch(ctx, log), "broker-watch")
        ctx.heartbeat(log.publish)
        yield log
    finally:
        await opened.__aexit__(None, None, None)


async def _watch(ctx: ServiceContext, log: ShardLog) -> None:
    while True:
        if log.connection.is_connected:
            ctx.health.clear("nats")
        else:
            ctx.health.fail("nats", "the connection to the broker is lost; reconnecting")
        await asyncio.sleep(_LOOK_SECONDS)
