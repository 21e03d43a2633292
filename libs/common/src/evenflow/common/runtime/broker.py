"""How a service gets to its log: patiently at the start, visibly when the broker goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.common.runtime.settings import Settings

_LONGEST_PAUSE_SECONDS = 5.0
_LOOK_SECONDS = 0.25


def broker_access(settings: Settings, name: str) -> BrokerAccess:
    """Return where the broker is and as whom `name` speaks to it."""
    password = settings.nats.password
    return BrokerAccess(
        url=settings.nats.url,
        shard=settings.shard.name,
        name=f"evenflow-{name}",
        user=settings.nats.user or "",
        password=password.get_secret_value() if password else "",
        max_bytes=settings.log_store.stream_bytes,
        reserve_bytes=settings.log_store.reserve,
        samples_max_age_seconds=settings.usage.sample_life.total_seconds(),
    )


@asynccontextmanager
async def connected_log(ctx: ServiceContext) -> AsyncIterator[ShardLog]:
    """Open the log, waiting for the broker as long as it takes; keep saying whether it is there.

    Sends the heartbeat too. The condition `nats` stands while the broker is away.

    Raises:
        AccessDenied, UnsupportedServer, LogMismatch: waiting does not help.
    """
    access = broker_access(ctx.settings, ctx.health.service)
    pause = 0.2
    while True:
        try:
            opened = open_shard_log(access)
            log = await opened.__aenter__()
        except TemporarilyUnavailable as error:
            ctx.health.fail("nats", str(error))
            ctx.log.warning("broker_unavailable", reason=str(error), retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            break
    try:
        ctx.health.clear("nats")
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
