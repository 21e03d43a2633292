"""Requests about queues and quotas. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from evenflow.client.models.queues import Applied, Queue, Quota
from evenflow.client.requests.call import Call, api_path


def queues(project: str | None = None) -> Call[list[Queue]]:
    """List queues with their counters."""
    return Call(
        "GET", api_path("queues"), params={"project_id": project} if project else {}, pick="queues"
    )


def queue(name: str) -> Call[Queue]:
    """Show a queue by id or path."""
    return Call("GET", api_path("queues", name))


def create_queue(path: str, fields: Queue) -> Call[Queue]:
    """Define a queue; the first level of `path` is its project."""
    return Call("POST", api_path("queues"), body={**fields, "path": path})


def change_queue(name: str, fields: Queue) -> Call[Queue]:
    """Change the given fields of a queue; None clears one."""
    return Call("PATCH", api_path("queues", name), body=fields)


def delete_queue(name: str) -> Call[None]:
    """Delete a queue without jobs."""
    return Call("DELETE", api_path("queues", name))


def quota(name: str) -> Call[Quota]:
    """Show the quota of a project or queue."""
    return Call("GET", api_path("queues", "quota", name))


def set_quota(name: str, fields: Quota) -> Call[Quota]:
    """Change the given limits; None means unlimited."""
    return Call("PATCH", api_path("queues", "quota", name), body=fields)


def apply(fleet: Sequence[Mapping[str, Any]]) -> Call[Applied]:
    """Bring queues and quotas to what a fleet states, all or nothing."""
    return Call("POST", api_path("apply"), body={"queues": list(fleet)})
