"""A connection says clearly why it cannot be had, and comes back by itself when the broker does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
import pytest

from evenflow.common.adapters.nats.connection import Credentials, connect
from evenflow.common.domain.errors import (
    AccessDenied,
    TemporarilyUnavailable,
    UnsupportedServer,
)
from evenflow.common.testing.servers.nats import NatsServer, free_port, nats_server


@asynccontextmanager
async def _an_old_server(version: str) -> AsyncIterator[str]:
    """A server that greets like an old one and answers pings."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "old", "version": version, "max_payload": 1024, "headers": True}
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_server_too_old_for_the_fence_is_refused_with_both_versions():
    async with _an_old_server("2.9.10") as url:
        with pytest.raises(UnsupportedServer, match=r"2\.9\.10.*2\.12\.0"):
            await connect(url, name="test")


async def test_nobody_there_is_said_within_the_patience():
    with pytest.raises(TemporarilyUnavailable, match="no NATS server answers"):
        await connect(f"nats://127.0.0.1:{free_port()}", name="test", patience_seconds=0.3)


async def test_wrong_credentials_are_named_and_right_ones_work():
    config = 'authorization { users: [{ user: "ann", password: "secret" }] }'
    with nats_server(extra_config=config, shards=()) as server:
        with pytest.raises(AccessDenied, match="'gateway'"):
            await connect(server.url, Credentials("ann", "wrong"), name="gateway")
        connection = await connect(server.url, Credentials("ann", "secret"), name="gateway")
        assert connection.is_connected
        await connection.close()


def test_a_password_is_not_shown():
    assert "secret" not in repr(Credentials("ann", "secret"))


async def test_it_knows_when_the_broker_is_away_and_comes_back(own_nats: NatsServer):
    connection = await connect(own_nats.url, name="test")
    back = asyncio.Event()
    forget = connection.on_reconnected(back.set)
    own_nats.kill()
    while connection.is_connected:
        await asyncio.sleep(0.01)
    with pytest.raises(nats.errors.OutboundBufferLimitError):  # nothing is kept for later
        await connection.client.publish("a", b"b")
    own_nats.start()
    async with asyncio.timeout(10):
        await connection.wait_connected()
        await back.wait()
    assert connection.is_connected
    forget()
    await connection.close()
    assert not connection.is_connected


async def test_waiting_on_a_closed_connection_is_an_error(nats_url):
    connection = await connect(nats_url, name="test")
    await connection.close()
    await connection.close()
    with pytest.raises(TemporarilyUnavailable, match="is closed"):
        await connection.wait_connected()
