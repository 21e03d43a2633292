"""Requests about usage over time and quota alerts, as values. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from evenflow.client.models.usage import Usage, UsageHistory
from evenflow.client.requests.call import API, Call

Time = float | str | None
"""An ISO time, seconds from now (negative: before), or None for the default."""


def usage() -> Call[Usage]:
    """Show the decayed usage that the policy engine reads now."""
    return Call("GET", f"{API}/usage")


def queue_usage(queue: str) -> Call[Usage]:
    """Show that of one queue, by path or id."""
    return Call("GET", f"{API}/usage/queues/{quote(queue, safe='')}")


def history(filters: Mapping[str, Any], by: str, group_by: Sequence[str]) -> Call[UsageHistory]:
    """Show what was held, step by step."""
    params = {**_given(filters), "by": by, "group_by": ",".join(group_by)}
    return Call("GET", f"{API}/usage/history", params=params)


def report(filters: Mapping[str, Any], group_by: Sequence[str]) -> Call[UsageHistory]:
    """Show what was held in a time as a whole, and what it costs."""
    params = {**_given(filters), "group_by": ",".join(group_by)}
    return Call("GET", f"{API}/usage/report", params=params)


def as_csv(call: Call[Any]) -> Call[str]:
    """Return the call that answers the same as CSV."""
    return Call(call.method, call.path, params={**call.params, "format": "csv"}, text="text/csv")


def snapshots(kind: str, name: str | None, since: Time, until: Time) -> Call[list[dict[str, Any]]]:
    """List decayed usage as archived snapshots had it."""
    params = _given({"kind": kind, "name": name, "since": since, "until": until})
    return Call("GET", f"{API}/usage/snapshots", params=params, pick="snapshots")


def alerts(queue: str | None, limit: int) -> Call[list[dict[str, Any]]]:
    """List quota alerts, newest first."""
    params = _given({"queue": queue, "limit": limit})
    return Call("GET", f"{API}/alerts", params=params, pick="alerts")


def _given(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}
