"""`evenflow jobs`: who runs, who waits and why, newest first."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from evenflow.cli.display.console import out, say, show_json, status_text
from evenflow.cli.display.table import Cell, Column, make_table
from evenflow.cli.display.words import NOTHING, ago, amounts, count, instant, lasting
from evenflow.cli.following import SHORT_ID
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client import Client
from evenflow.client.models.jobs import Group, Job
from evenflow.common.domain.errors import InvalidValue

EXAMPLE: Final = "evenflow jobs --queue vision --status running --watch"

_COLUMNS = (
    Column("ID"),
    Column("NAME", can_shrink=True),
    Column("QUEUE", rank=2, can_shrink=True),
    Column("USER", rank=6, can_shrink=True),
    Column("STATE"),
    Column("WHY / WHERE", rank=4, can_shrink=True),
    Column("WANTS", rank=7),
    Column("PRIO", rank=8, align="right"),
    Column("SUBMITTED", rank=3, align="right"),
    Column("RAN", rank=5, align="right"),
    Column("EXIT", rank=1, align="right"),
)
_WATCH_SECONDS = 1.0
STATUSES = ("pending", "queued", "running", "succeeded", "failed", "cancelled", "timeout")


def jobs(
    *,
    queue: Annotated[str | None, typer.Option(help="This queue and those below it.")] = None,
    project: Annotated[str | None, typer.Option(help="This project.")] = None,
    user: Annotated[str | None, typer.Option(help="Jobs of this user.")] = None,
    status: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(STATUSES)}; may be repeated.")
    ] = None,
    job_type: Annotated[str | None, typer.Option("--type", help="Jobs of this type.")] = None,
    search: Annotated[str | None, typer.Option(help="Part of the name or description.")] = None,
    array: Annotated[str | None, typer.Option(help="Elements of this array.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most this many.")] = 20,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show again every second.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first."""
    if unknown := [each for each in status or () if each not in STATUSES]:
        raise InvalidValue("--status", unknown[0], f"must be one of {', '.join(STATUSES)}")
    if watch and as_json:
        raise InvalidValue("--watch", "--json", "cannot go together; see `evenflow events --json`")
    filters: dict[str, Any] = {
        "queue_id": queue,
        "project_id": project,
        "user_id": user,
        "status": status,
        "job_type": job_type,
        "search": search,
        "array_id": array,
    }
    most = None if everything else limit
    with connect(url) as client:
        if as_json:
            show_json(list(client.all_jobs(limit=most, **filters)))
        elif watch:
            _watch(lambda: _render(client, most, filters))
        else:
            out().print(_render(client, most, filters))


def _render(client: Client, limit: int | None, filters: dict[str, Any]) -> RenderableType:
    first = client.jobs(page_size=1, **filters)
    found = list(client.all_jobs(limit=limit, **filters))
    if not found:
        return Text("no jobs" + (" match" if any(filters.values()) else " yet"), style="dim")
    now = instant(client.status()["clock"]["now"])
    table = make_table(_COLUMNS, [row(job, now) for job in found])
    if first["total"] > len(found):
        table.caption = f"{len(found)} of {count(first['total'], 'job')}; --all shows all"
        table.caption_justify = "left"
    return table


def row(job: Job, now: datetime) -> list[Cell]:
    """Return the cells of one job."""
    style = "dim" if job["status"] == "cancelled" else ""
    whole = Text(job["id"][:SHORT_ID], style="dim")
    index = "" if job["array_index"] is None else f"[{job['array_index']}]"
    return [
        whole,
        Text(f"{job['name']}{index}", style=style),
        job["queue"],
        job["user_id"],
        status_text(job["status"]),
        where_or_why(job),
        wants(job),
        str(job["priority"] or ""),
        ago(job["submitted_at"], now),
        ran(job, now),
        NOTHING if job["exit_code"] is None else str(job["exit_code"]),
    ]


def where_or_why(job: Job) -> str:
    """Return the machines of a job that has some, else why it waits, else what went wrong."""
    if job["status"] == "running" or job["phase"] in {"placed", "starting"}:
        return ", ".join(job["nodes"])
    if job["blocked_reason"] and job["status"] in {"pending", "queued"}:
        return job["blocked_reason"].replace("_", " ")
    return job["error_message"] or ""


def wants(job: Job) -> str:
    """Return what a job asks for, as `3 x cpu 1, memory 2Gi`; of groups each with its name."""
    groups = job["groups"]
    if len(groups) > 1:
        return "; ".join(
            f"{each['name']} {_number(each)} x {amounts(each['resources'])}" for each in groups
        )
    if groups:
        return f"{_number(groups[0])} x {amounts(groups[0]['resources'])}"
    each = amounts(job["resources"])
    return f"{job['tasks']} x {each}" if job["tasks"] > 1 else each


def _number(group: Group) -> str:
    if group["min_tasks"] == group["tasks"]:
        return str(group["tasks"])
    return f"{group['min_tasks']}-{group['tasks']}"


def ran(job: Job, now: datetime) -> str:
    """Return how long a job ran, or runs already."""
    if job["started_at"] is None:
        return NOTHING
    end = instant(job["finished_at"]) if job["finished_at"] else now
    return lasting(max(0.0, (end - instant(job["started_at"])).total_seconds()))


def _watch(render: Callable[[], RenderableType]) -> None:
    if not out().is_terminal:
        raise InvalidValue("--watch", "a file", "needs a terminal; see `evenflow events --follow`")
    say("Ctrl-C ends this", "dim")
    try:
        with Live(render(), console=out(), auto_refresh=False) as live:
            while True:
                time.sleep(_WATCH_SECONDS)
                live.update(render(), refresh=True)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
