"""Usage over time and quota alerts in both SDKs."""

from collections.abc import Sequence
from typing import Any

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.usage import Usage, UsageHistory
from evenflow.client.requests import usage as calls
from evenflow.client.requests.usage import Time

BY_QUEUE = ("queue",)
BY_ALL = ("project", "queue", "user")


class UsageMethods:
    """What a client asks about usage. Filters are `queue`, `project`, `user`, `since`, `until`."""

    def usage(self: Sends) -> Usage:
        """Show the decayed usage that the policy engine reads now, with its age and freshness."""
        return self.send(calls.usage())

    def queue_usage(self: Sends, queue: str) -> Usage:
        """Show that of one queue, by path or id, and what it counts as in a cycle."""
        return self.send(calls.queue_usage(queue))

    def usage_history(
        self: Sends, *, by: str = "day", group_by: Sequence[str] = BY_QUEUE, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held by hour, day or week of UTC."""
        return self.send(calls.history(filters, by, group_by))

    def usage_report(
        self: Sends, *, group_by: Sequence[str] = BY_ALL, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held in a time as a whole, and what it costs."""
        return self.send(calls.report(filters, group_by))

    def usage_snapshots(
        self: Sends,
        kind: str = "queue",
        name: str | None = None,
        *,
        since: Time = None,
        until: Time = None,
    ) -> list[dict[str, Any]]:
        """List decayed usage as archived snapshots had it; `kind` is queue, project or user."""
        return self.send(calls.snapshots(kind, name, since, until))

    def alerts(self: Sends, queue: str | None = None, *, limit: int = 100) -> list[dict[str, Any]]:
        """List quota alerts, newest first; with a queue its own and those of queues below it."""
        return self.send(calls.alerts(queue, limit))


class AsyncUsageMethods:
    """`UsageMethods` for programs that run an event loop."""

    async def usage(self: SendsLater) -> Usage:
        """Show the decayed usage that the policy engine reads now, with its age and freshness."""
        return await self.send(calls.usage())

    async def queue_usage(self: SendsLater, queue: str) -> Usage:
        """Show that of one queue, by path or id, and what it counts as in a cycle."""
        return await self.send(calls.queue_usage(queue))

    async def usage_history(
        self: SendsLater, *, by: str = "day", group_by: Sequence[str] = BY_QUEUE, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held by hour, day or week of UTC."""
        return await self.send(calls.history(filters, by, group_by))

    async def usage_report(
        self: SendsLater, *, group_by: Sequence[str] = BY_ALL, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held in a time as a whole, and what it costs."""
        return await self.send(calls.report(filters, group_by))

    async def usage_snapshots(
        self: SendsLater,
        kind: str = "queue",
        name: str | None = None,
        *,
        since: Time = None,
        until: Time = None,
    ) -> list[dict[str, Any]]:
        """List decayed usage as archived snapshots had it; `kind` is queue, project or user."""
        return await self.send(calls.snapshots(kind, name, since, until))

    async def alerts(
        self: SendsLater, queue: str | None = None, *, limit: int = 100
    ) -> list[dict[str, Any]]:
        """List quota alerts, newest first; with a queue its own and those of queues below it."""
        return await self.send(calls.alerts(queue, limit))
