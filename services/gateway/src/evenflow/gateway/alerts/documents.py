"""Quota alerts as JSON, for REST and for receivers of webhooks. Pure."""

from typing import Any

from typing_extensions import TypedDict

from evenflow.common.domain.resources import MILLI, units_per_base
from evenflow.common.domain.state.quota_alerts import BUDGET
from evenflow.gateway.values.amounts import GIB
from evenflow.gateway.values.instants import iso, iso_or_none


class AlertDocument(TypedDict):
    """An alert. `level` is the ratio of the limit that is reached, 0 when none is any more.

    `used` and `limit` are of cores, cards, GiB, jobs or GPU-hours. `id` stays the same however
    often it is told.
    """

    id: str
    sequence: int
    at: str
    queue: str
    limit_name: str
    level: float
    raised: bool
    used: float
    limit: float
    ratio: float
    period_start: str | None
    text: str


class AlertList(TypedDict):
    """Alerts, newest first."""

    alerts: list[AlertDocument]


def alert_document(row: Any) -> AlertDocument:
    """Return a row of `alerts` as a document."""
    name = row["limit_name"]
    scale = _scale(name)
    used, limit = row["used"] / scale, row["limit"] / scale
    ratio = row["used"] / row["limit"]
    share = f"{used:g} of {limit:g} {_unit(name)} ({ratio:.0%})"
    level = row["level"] / MILLI
    rest = f"back to the alert at {level:.0%}" if level else "no alert any more"
    return AlertDocument(
        id=alert_id(row),
        sequence=row["sequence"],
        at=iso(row["occurred_at"]),
        queue=row["path"],
        limit_name=name,
        level=level,
        raised=row["is_raised"],
        used=used,
        limit=limit,
        ratio=ratio,
        period_start=iso_or_none(row["period_start"]),
        text=f"{row['path']} uses {share}" + ("" if row["is_raised"] else f", {rest}"),
    )


def alert_id(row: Any) -> str:
    """Return what names an alert for good."""
    return f"{row['event_id']}-{row['place']}"


def _scale(name: str) -> int:
    if name == BUDGET:
        return MILLI
    return GIB if name == "memory" else units_per_base(name)


def _unit(name: str) -> str:
    if name == BUDGET:
        return "GPU-hours"
    if name.startswith("max_") and name.endswith("_jobs"):
        return name.removeprefix("max_").replace("_", " ")
    return "GiB memory" if name == "memory" else name
