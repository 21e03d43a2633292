"""What tests of the service share."""

from collections.abc import Iterator

import pytest

from evenflow.common.testing.servers.nats import NatsServer, nats_server


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running
