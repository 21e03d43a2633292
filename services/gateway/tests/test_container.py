"""What every noun is handed, and the order in which their routes are asked."""

from typing import Any

import pytest
from fastapi.routing import APIRoute

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


def test_a_quota_is_not_taken_for_a_queue() -> None:
    """`/queues/{id}` takes any path: what is more exact has to come first."""
    routes = [route for router in ROUTERS for route in router.routes]
    paths = [route.path for route in routes if isinstance(route, APIRoute)]
    quota = paths.index("/api/v1/queues/quota/{project_id:path}")
    assert quota < paths.index("/api/v1/queues/{queue_id:path}")
