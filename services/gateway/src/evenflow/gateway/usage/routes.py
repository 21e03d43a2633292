"""Usage: by which the engine decides, what was held exactly, and what that costs (API-17)."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from evenflow.common.domain.errors import InvalidValue
from evenflow.gateway.edge.permits import projects_of
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import gateway_of
from evenflow.gateway.queues.rules.tree import found_queue
from evenflow.gateway.usage.csv_text import to_csv
from evenflow.gateway.usage.documents import (
    QueueUsageDocument,
    UsageDocument,
    queue_usage_document,
    usage_csv,
    usage_document,
)
from evenflow.gateway.usage.history_documents import (
    ArchivedList,
    HistoryDocument,
    history_csv,
    history_document,
)
from evenflow.gateway.usage.in_use import current_usage
from evenflow.gateway.usage.report import UsageReporter
from evenflow.gateway.values.instants import iso
from evenflow.gateway.view.rules.usage_range import read_range
from evenflow.gateway.view.usage.reads import GROUPS, UsageFilter, archived, shown_names

router: Final = APIRouter(prefix="/api/v1", tags=["usage"])
_Text = Annotated[str | None, Query(max_length=2100)]
_Format = Annotated[str | None, Query(max_length=40)]
_CSV: Final = "text/csv"


@router.get("/usage", response_model=UsageDocument)
async def show_usage(request: Request, format: _Format = None) -> Response:  # noqa: A002 - its name
    """Return the decayed usage that the policy engine reads now, with its age and freshness."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    is_csv = _is_csv(request, format)
    found = await current_usage(gateway)
    principal = principal_of(request)
    return (
        _csv(usage_csv(found, principal))
        if is_csv
        else JSONResponse(usage_document(found, principal))
    )


@router.get("/usage/history", response_model=HistoryDocument)
async def show_history(
    request: Request,
    *,
    queue: _Text = None,
    user: _Text = None,
    project: _Text = None,
    since: _Text = None,
    until: _Text = None,
    by: _Text = "day",
    group_by: _Text = "queue",
    format: _Format = None,  # noqa: A002
) -> Response:
    """Return what was held exactly, by hour, day or week of UTC; hours and their cost.

    `since` and `until` are ISO times, or seconds from now (`-86400`); they are widened to whole
    steps. `queue` counts with all below it. `group_by` names some of queue, project and user.
    """
    wanted = await _filter(request, queue, project, user)
    return await _history(request, wanted, (since, until, by), group_by, format)


@router.get("/usage/report", response_model=HistoryDocument)
async def show_report(
    request: Request,
    *,
    queue: _Text = None,
    user: _Text = None,
    project: _Text = None,
    since: _Text = None,
    until: _Text = None,
    group_by: _Text = "project,queue,user",
    format: _Format = None,  # noqa: A002
) -> Response:
    """Return what was held in a time as a whole and what it costs by `usage.prices`."""
    wanted = await _filter(request, queue, project, user)
    return await _history(request, wanted, (since, until, None), group_by, format)


@router.get("/usage/snapshots", response_model=ArchivedList)
async def show_archived(
    request: Request,
    *,
    kind: _Text = "queue",
    name: _Text = None,
    since: _Text = None,
    until: _Text = None,
    format: _Format = None,  # noqa: A002
) -> Response:
    """Return decayed usage as archived snapshots had it; `kind` is queue, project or user."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    if kind not in GROUPS:
        raise InvalidValue("kind", str(kind)[:40], f"must be one of {', '.join(GROUPS)}")
    settings = gateway.settings.usage.history
    within = read_range(since, until, None, now=gateway.now(), keep_hours=settings.keep_hours)
    only = shown_names(kind, projects_of(principal_of(request)))
    rows = [dict(row) for row in await archived(gateway.reads.engine, within, kind, name, only)]
    for row in rows:
        row["generated_at"] = iso(row["generated_at"])
    if _is_csv(request, format):
        head = ["generated_at", "kind", "name", "resource", "raw_hours", "normalized"]
        return _csv(to_csv(head, ([row[key] for key in head] for row in rows)))
    return JSONResponse(ArchivedList(snapshots=rows))


@router.get("/usage/queues/{queue:path}")
async def show_queue_usage(request: Request, queue: str) -> QueueUsageDocument:
    """Return a queue's decayed usage, by its id or path, and what it counts as in a cycle."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    found = found_queue(gateway.state(), queue, principal_of(request))
    return queue_usage_document(await current_usage(gateway), found)


async def _filter(
    request: Request, queue: str | None, project: str | None, user: str | None
) -> UsageFilter:
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    # A queue that is gone has still been used, so an unknown path is no mistake.
    known = None if queue is None else gateway.state().queue(queue)
    projects = projects_of(principal_of(request))
    return UsageFilter(queue if known is None else known.path, project, user, projects)


async def _history(
    request: Request,
    wanted: UsageFilter,
    asked: tuple[str | None, str | None, str | None],
    group_by: str | None,
    format_: str | None,
) -> Response:
    gateway, is_csv = gateway_of(request), _is_csv(request, format_)
    groups = _groups(group_by or "")
    since, until, by = asked
    now, settings = gateway.now(), gateway.settings.usage
    within = read_range(since, until, by, now=now, keep_hours=settings.history.keep_hours)
    held = await gateway.part(UsageReporter).held(within, wanted, groups, now)
    document = history_document(held, within, groups, settings.prices, by=by, now=now)
    return _csv(history_csv(document)) if is_csv else JSONResponse(document)


def _groups(text: str) -> list[str]:
    groups = [each.strip() for each in text.split(",") if each.strip()]
    if unknown := [each for each in groups if each not in GROUPS]:
        rule = f"must be some of {', '.join(GROUPS)}, separated by commas"
        raise InvalidValue("group_by", unknown[0][:40], rule)
    return [each for each in GROUPS if each in groups]


def _is_csv(request: Request, format_: str | None) -> bool:
    if format_ is not None:
        if format_ not in ("csv", "json"):
            raise InvalidValue("format", format_, "must be csv or json")
        return format_ == "csv"
    return _CSV in request.headers.get("accept", "")


def _csv(text: str) -> Response:
    return PlainTextResponse(text, media_type=_CSV)
