"""What REST says about usage over time: hours and costs as JSON and as CSV. Pure."""

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, Final, cast

from typing_extensions import TypedDict

from evenflow.gateway.usage.csv_text import to_csv
from evenflow.gateway.usage.report import Seconds
from evenflow.gateway.values.amounts import GIB
from evenflow.gateway.values.instants import iso
from evenflow.gateway.view.rules.usage_range import UsageRange

_HOUR: Final = 3600.0


class UsageRow(TypedDict, total=False):
    """Hours that one group held in one step: of cards, cores, GiB, base units of others.

    `start` and `end` are absent in a report; of queue, project and user those are there by which
    it is grouped.
    """

    start: str
    end: str
    queue: str
    project: str
    user: str
    hours: dict[str, float]
    cost: float


class ArchivedList(TypedDict):
    """Decayed usage as snapshots had it, one an hour, of long ago one a day."""

    snapshots: list[dict[str, Any]]


class HistoryDocument(TypedDict):
    """Exact usage over time, from `since` to `until`, which is not included."""

    since: str
    until: str
    now: str
    by: str | None
    group_by: list[str]
    rows: list[UsageRow]
    total: dict[str, float]
    cost: float
    prices: dict[str, float]


def hours_of(resource: str, seconds: float) -> float:
    """Return base units times seconds as hours; of memory GiB-hours."""
    return seconds / (_HOUR * (GIB if resource == "memory" else 1.0))


def history_document(
    held: Seconds,
    within: UsageRange,
    groups: Sequence[str],
    prices: Mapping[str, float],
    *,
    by: str | None,
    now: int,
) -> HistoryDocument:
    """Return what was held as a document, with its cost."""
    rows = [
        _row(step, names, seconds, within=within, groups=groups, prices=prices)
        for (step, names), seconds in held.items()
    ]
    resources = sorted({name for row in rows for name in row["hours"]})
    return HistoryDocument(
        since=iso(within.since),
        until=iso(within.until),
        now=iso(now),
        by=by,
        group_by=list(groups),
        rows=rows,
        total={name: fsum(row["hours"].get(name, 0.0) for row in rows) for name in resources},
        cost=fsum(row["cost"] for row in rows),
        prices=dict(prices),
    )


def _row(
    step: int,
    names: Sequence[str],
    seconds: Mapping[str, float],
    *,
    within: UsageRange,
    groups: Sequence[str],
    prices: Mapping[str, float],
) -> UsageRow:
    hours = {name: hours_of(name, seconds[name]) for name in sorted(seconds)}
    row: dict[str, Any] = {}
    if within.width_us is not None:
        row |= {"start": iso(step), "end": iso(step + within.width_us)}
    row |= dict(zip(groups, names, strict=True))
    row |= {"hours": hours}
    row |= {"cost": fsum(hours[name] * prices.get(name, 0.0) for name in hours)}
    return cast("UsageRow", row)


def history_csv(document: HistoryDocument) -> str:
    """Return a document's rows as CSV (RFC 4180), a column a resource."""
    resources = sorted(document["total"])
    times = [] if document["by"] is None else ["start", "end"]
    names = [*times, *document["group_by"]]
    head = [*names, *(_column(name) for name in resources), "cost"]
    rows = cast("list[dict[str, Any]]", document["rows"])
    cells = (
        [
            *(row[name] for name in names),
            *(row["hours"].get(name, 0.0) for name in resources),
            row["cost"],
        ]
        for row in rows
    )
    return to_csv(head, cells)


def _column(resource: str) -> str:
    return "memory_gib_hours" if resource == "memory" else f"{resource}_hours"
