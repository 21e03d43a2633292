"""Usage over time and quota alerts in both SDKs."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from evenflow.client.models.usage import Usage, UsageHistory
from evenflow.client.requests import usage as calls
from evenflow.client.requests.jobs import Call
from evenflow.client.requests.usage import Time

T = TypeVar("T")
BY_QUEUE = ("queue",)
BY_ALL = ("project", "queue", "user")


class _Sends(Protocol):
    def send(self, call: Call[T]) -> T: ...


class _SendsLater(Protocol):
    async def send(self, call: Call[T]) -> T: ...


class Reporting:
    """What a client asks about usage. Filters are `queue`, `project`, `user`, `since`, `until`."""

    def usage(self: _Sends) -> Usage:
        """Show the decayed usage that the policy engine reads now, with its age and freshness."""
        return self.send(calls.usage())

    def queue_usage(self: _Sends, queue: str) -> Usage:
        """Show that of one queue, by path or id, and what it counts as in a cycle."""
        return self.send(calls.queue_usage(queue))

    def usage_history(
        self: _Sends, *, by: str = "day", group_by: Sequence[str] = BY_QUEUE, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held by hour, day or week of UTC."""
        return self.send(calls.history(filters, by, group_by))

    def usage_report(
        self: _Sends, *, group_by: Sequence[str] = BY_ALL, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held in a time as a whole, and what it costs."""
        return self.send(calls.report(filters, group_by))

    def usage_snapshots(
        self: _Sends,
        kind: str = "queue",
        name: str | None = None,
        *,
        since: Time = None,
        until: Time = None,
    ) -> list[dict[str, Any]]:
        """List decayed usage as archived snapshots had it; `kind` is queue, project or user."""
        return self.send(calls.snapshots(kind, name, since, until))

    def alerts(self: _Sends, queue: str | None = None, *, limit: int = 100) -> list[dict[str, Any]]:
        """List quota alerts, newest first; with a queue its own and those of queues below it."""
        return self.send(calls.alerts(queue, limit))


class AsyncReporting:
    """`Reporting` for programs that run an event loop."""

    async def usage(self: _SendsLater) -> Usage:
        """Show the decayed usage that the policy engine reads now, with its age and freshness."""
        return await self.send(calls.usage())

    async def queue_usage(self: _SendsLater, queue: str) -> Usage:
        """Show that of one queue, by path or id, and what it counts as in a cycle."""
        return await self.send(calls.queue_usage(queue))

    async def usage_history(
        self: _SendsLater, *, by: str = "day", group_by: Sequence[str] = BY_QUEUE, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held by hour, day or week of UTC."""
        return await self.send(calls.history(filters, by, group_by))

    async def usage_report(
        self: _SendsLater, *, group_by: Sequence[str] = BY_ALL, **filters: Any
    ) -> UsageHistory:
        """Show exactly what was held in a time as a whole, and what it costs."""
        return await self.send(calls.report(filters, group_by))

    async def usage_snapshots(
        self: _SendsLater,
        kind: str = "queue",
        name: str | None = None,
        *,
        since: Time = None,
        until: Time = None,
    ) -> list[dict[str, Any]]:
        """List decayed usage as archived snapshots had it; `kind` is queue, project or user."""
        return await self.send(calls.snapshots(kind, name, since, until))

    async def alerts(
        self: _SendsLater, queue: str | None = None, *, limit: int = 100
    ) -> list[dict[str, Any]]:
        """List quota alerts, newest first; with a queue its own and those of queues below it."""
        return await self.send(calls.alerts(queue, limit))
