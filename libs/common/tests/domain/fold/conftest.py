"""A shard with a leader, one queue and two nodes."""

import pytest

from evenflow.common.testing.builders import a_node
from evenflow.common.testing.shard import Shard


@pytest.fixture
def shard() -> Shard:
    """Nobody has submitted anything yet."""
    return (
        Shard()
        .with_leader()
        .with_queues("default/default")
        .with_nodes(a_node("n1", cpu=4000), a_node("n2", cpu=4000))
    )
