"""The usage in use as REST shows it: as JSON, and as CSV. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from typing_extensions import TypedDict

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.usage.snapshot import UsageColumns, UsageSnapshot, queue_user
from evenflow.gateway.edge.permits import projects_of, sees
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.usage.csv_text import to_csv
from evenflow.gateway.usage.in_use import CurrentUsage
from evenflow.gateway.values.instants import iso, iso_or_none


class UsageFigure(TypedDict):
    """Decayed usage of one resource; `normalized` is its part of the decayed capacity, 0 to 1."""

    raw_hours: float
    normalized: float


Figures = dict[str, UsageFigure]
"""By resource."""


class UsageHead(TypedDict):
    """Which snapshot counts, how old it is, and whether it counts at all.

    `freshness` is fresh, stale (polls were missed, it still counts) or unavailable: then everybody
    counts as zero usage, and the scheduler is `degraded`. `told_by` is policy-engine, or gateway
    when the engine did not answer.
    """

    freshness: str
    degraded: bool
    told_by: str
    engine: str | None
    now: str
    age_seconds: float | None
    max_staleness_seconds: float
    snapshot: dict[str, Any] | None


class UsageDocument(UsageHead):
    """Decayed usage as the policy engine reads it."""

    queues: dict[str, Figures]
    projects: dict[str, Figures]
    users: dict[str, Figures]


class QueueUsageDocument(UsageHead):
    """Decayed usage of one queue; `counts_as` is what the next cycle divides by."""

    queue: str
    id: str
    usage: Figures
    counts_as: dict[str, float]
    users: dict[str, Figures]


def usage_head(found: CurrentUsage) -> UsageHead:
    """Return what is said of the snapshot as a whole."""
    in_use = found.in_use
    return UsageHead(
        freshness=found.freshness,
        degraded=not in_use.is_available,
        told_by="policy-engine" if found.is_from_engine else "gateway",
        engine=in_use.instance or None,
        now=iso(in_use.now),
        age_seconds=found.age_seconds,
        max_staleness_seconds=in_use.max_staleness_us / SECOND,
        snapshot=None if in_use.sequence is None else _snapshot(found),
    )


def _snapshot(found: CurrentUsage) -> dict[str, Any]:
    in_use = found.in_use
    head: dict[str, Any] = {
        "sequence": in_use.sequence,
        "fact_sequence": in_use.fact_sequence,
        "digest": in_use.digest,
        "generated_at": iso_or_none(in_use.generated_at),
        "data_until": iso_or_none(in_use.data_until),
    }
    if found.snapshot is not None:
        names = ("window", "half_life_seconds", "backend", "capacity", "capacity_hours")
        head |= {name: found.snapshot.fields.get(name) for name in names}
        head["capacity_unknown"] = sorted(found.snapshot.content.capacity_unknown)
    return head


def usage_document(found: CurrentUsage, principal: Principal) -> UsageDocument:
    """Return the usage of all that exists for who asks."""
    groups = _shown(_content(found), principal)
    return UsageDocument(
        **usage_head(found),
        queues=groups["queue"],
        projects=groups["project"],
        users=groups["user"],
    )


def queue_usage_document(found: CurrentUsage, queue: Queue) -> QueueUsageDocument:
    """Return a queue's usage, and that of its users when it is a leaf."""
    content = _content(found)
    usage = _figures(content.queues, queue.path) if content else {}
    of_users: dict[str, Figures] = {}
    if content:
        prefix = queue_user(queue.path, "")
        of_users = {
            name.removeprefix(prefix): _figures(content.queue_users, name)
            for name in content.queue_users.rows
            if name.startswith(prefix)
        }
    is_used = found.in_use.is_available
    return QueueUsageDocument(
        **usage_head(found),
        queue=queue.path,
        id=queue.id,
        usage=usage,
        counts_as={
            name: figure["normalized"] if is_used else 0.0 for name, figure in usage.items()
        },
        users=of_users,
    )


def usage_csv(found: CurrentUsage, principal: Principal) -> str:
    """Return the same as CSV, a line a name and resource."""
    head = ["kind", "name", "resource", "raw_hours", "normalized"]
    return to_csv(head, _cells(_shown(_content(found), principal)))


def _shown(content: UsageSnapshot | None, principal: Principal) -> dict[str, dict[str, Figures]]:
    """Return the groups; sums by user only where every project exists for who asks."""
    if content is None:
        return {"queue": {}, "project": {}, "user": {}}
    sees_all = projects_of(principal) is None
    return {
        "queue": {k: v for k, v in _group(content.queues).items() if sees(principal, k)},
        "project": {k: v for k, v in _group(content.projects).items() if sees(principal, k)},
        "user": _group(content.users) if sees_all else {},
    }


def _cells(groups: Mapping[str, Mapping[str, Figures]]) -> Iterator[list[Any]]:
    for kind, named in groups.items():
        for name, figures in named.items():
            for resource, figure in figures.items():
                yield [kind, name, resource, figure["raw_hours"], figure["normalized"]]


def _content(found: CurrentUsage) -> UsageSnapshot | None:
    return None if found.snapshot is None else found.snapshot.content


def _group(columns: UsageColumns) -> dict[str, Figures]:
    return {name: _figures(columns, name) for name in sorted(columns.rows)}


def _figures(columns: UsageColumns, name: str) -> Figures:
    return {
        resource: UsageFigure(
            raw_hours=columns.hours_of(name, resource),
            normalized=columns.ratio_of(name, resource),
        )
        for resource in sorted(columns.raw_hours)
    }
