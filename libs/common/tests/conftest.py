"""Real servers, and shards of their own on them."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from evenflow.common.adapters.nats.connection import NatsConnection, connect
from evenflow.common.testing.servers.nats import NatsServer, nats_server


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    """A server that all tests share: each uses a shard of its own."""
    with nats_server(shards=()) as server:
        yield server.url


@pytest.fixture
def own_nats() -> Iterator[NatsServer]:
    """A server for a test that kills it."""
    with nats_server(shards=()) as server:
        yield server


@pytest.fixture
def shard() -> str:
    """A shard nobody else uses."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
async def connection(nats_url: str) -> AsyncIterator[NatsConnection]:
    """A connection to the shared server."""
    opened = await connect(nats_url, name="test")
    yield opened
    await opened.close()
