"""Provision a shard: prove the fence, then make or change its streams and buckets."""

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.fence import prove_fence
from evenflow.common.adapters.nats.layout import Layout
from evenflow.common.adapters.nats.streams import Made, check_layout, provision_streams


async def provision(
    connection: NatsConnection, layout: Layout, *, dry_run: bool = False
) -> list[Made]:
    """Return what was made or changed; with `dry_run` what would be.

    Doing it again is cheap and changes nothing: an init job does it before each start.

    Raises:
        UnsupportedServer: the broker does not honour the fence.
        LogMismatch: a stream of the log's name is not ours.
        TemporarilyUnavailable: the broker does not answer; it may refuse this login.
    """
    with broker_errors("provisioning (only the login `provisioner` may)"):
        if not dry_run:
            await prove_fence(connection.js, layout.shard)
        version = server_version(connection)
        return await provision_streams(connection.js, layout, proved_by=version, dry_run=dry_run)


async def require_provisioned(connection: NatsConnection, layout: Layout) -> str:
    """Return the log's id.

    Raises:
        NotProvisioned: `evenflow provision` has not been run for this server and this release.
        LogMismatch: the log is not ours.
        TemporarilyUnavailable: the broker does not answer.
    """
    with broker_errors("looking at the shard's streams"):
        return await check_layout(connection.js, layout, server_version(connection))


def server_version(connection: NatsConnection) -> str:
    """Return the version of the server that is connected."""
    version = connection.client.connected_server_version
    return f"{version.major}.{version.minor}.{version.patch}"
