"""What both clients do with queues and quotas."""

from collections.abc import Mapping, Sequence
from typing import Any

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.queues import Applied, Queue, Quota
from evenflow.client.requests import queues as calls


class QueueMethods:
    """What a client does with queues, quotas and fleets of them."""

    def queues(self: Sends, project: str | None = None) -> list[Queue]:
        """List queues with their counters."""
        return self.send(calls.queues(project))

    def queue(self: Sends, name: str) -> Queue:
        """Show a queue by id or path."""
        return self.send(calls.queue(name))

    def create_queue(self: Sends, path: str, fields: Queue | None = None) -> Queue:
        """Define a queue; its parent must exist, unless it is a project."""
        return self.send(calls.create_queue(path, fields or {}))

    def change_queue(self: Sends, name: str, fields: Queue) -> Queue:
        """Change the given fields of a queue; None clears one."""
        return self.send(calls.change_queue(name, fields))

    def delete_queue(self: Sends, name: str) -> None:
        """Delete a queue that has no jobs."""
        self.send(calls.delete_queue(name))

    def quota(self: Sends, name: str) -> Quota:
        """Show the quota of a project or queue."""
        return self.send(calls.quota(name))

    def set_quota(self: Sends, name: str, fields: Mapping[str, Any]) -> Quota:
        """Change the given limits of a project or queue; None means unlimited."""
        return self.send(calls.set_quota(name, dict(fields)))

    def apply(self: Sends, fleet: Sequence[Mapping[str, Any]]) -> Applied:
        """Bring queues and quotas to what a fleet states; see `evenflow.client.fleet`."""
        return self.send(calls.apply(fleet))


class AsyncQueueMethods:
    """`QueueMethods` for programs that run an event loop."""

    async def queues(self: SendsLater, project: str | None = None) -> list[Queue]:
        """List queues with their counters."""
        return await self.send(calls.queues(project))

    async def queue(self: SendsLater, name: str) -> Queue:
        """Show a queue by id or path."""
        return await self.send(calls.queue(name))

    async def create_queue(self: SendsLater, path: str, fields: Queue | None = None) -> Queue:
        """Define a queue; its parent must exist, unless it is a project."""
        return await self.send(calls.create_queue(path, fields or {}))

    async def change_queue(self: SendsLater, name: str, fields: Queue) -> Queue:
        """Change the given fields of a queue; None clears one."""
        return await self.send(calls.change_queue(name, fields))

    async def delete_queue(self: SendsLater, name: str) -> None:
        """Delete a queue that has no jobs."""
        await self.send(calls.delete_queue(name))

    async def quota(self: SendsLater, name: str) -> Quota:
        """Show the quota of a project or queue."""
        return await self.send(calls.quota(name))

    async def set_quota(self: SendsLater, name: str, fields: Mapping[str, Any]) -> Quota:
        """Change the given limits of a project or queue; None means unlimited."""
        return await self.send(calls.set_quota(name, dict(fields)))

    async def apply(self: SendsLater, fleet: Sequence[Mapping[str, Any]]) -> Applied:
        """Bring queues and quotas to what a fleet states; see `evenflow.client.fleet`."""
        return await self.send(calls.apply(fleet))
