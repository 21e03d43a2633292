"""The container finds what a noun needs by its type."""

from typing import Any

import pytest

from evenflow.gateway.jobs.commands import JobCommands
from evenflow.gateway.nouns import ROUTERS


async def test_a_part_is_found_by_its_type_and_a_later_one_takes_its_place(harness: Any) -> None:
    gateway = harness.gateway
    first = gateway.part(JobCommands)
    other = JobCommands(gateway, first.queues, first.remove)
    gateway.add(other)
    assert gateway.part(JobCommands) is other
    with pytest.raises(KeyError):
        gateway.part(str)


def test_no_route_is_hidden_by_one_before_it() -> None:
    """`/queues/{id}` takes any path: what is more exact has to come first."""
    paths = [
        (route.path, method)
        for router in ROUTERS
        for route in router.routes
        for method in route.methods
    ]
    whole = paths.index(("/api/v1/queues/{queue_id:path}", "GET"))
    assert paths.index(("/api/v1/queues/quota/{project_id:path}", "GET")) < whole
