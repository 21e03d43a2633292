"""`evenflow usage`: what counts now in the scheduler, and exact hours of the past."""

import sys
from typing import Annotated, Any, Final

import typer

from evenflow.cli.display.console import show_json
from evenflow.cli.display.problems import Misuse
from evenflow.cli.display.usage import show_history, show_now, show_queue
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.cli.inputs.times import past_time
from evenflow.client import Client
from evenflow.client.methods.usage import BY_QUEUE
from evenflow.client.models.usage import UsageHistory
from evenflow.client.requests import usage as usage_calls
from evenflow.client.requests.call import Call
from evenflow.common.domain.errors import InvalidValue

EXAMPLE: Final = "evenflow usage --project vision --since 7d --by day"

_STEPS = ("hour", "day", "week")
_GROUPS = ("queue", "project", "user")


def usage(
    *,
    queue: Annotated[
        str | None, typer.Option(help="A queue and all below it, by path or id.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="One user's.")] = None,
    project: Annotated[str | None, typer.Option(help="One project's.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="A date, or how long ago, as 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="The same; else now.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="hour|day|week", help="Step by step, in UTC.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option("--group-by", metavar="GROUPS", help="Some of queue,project,user."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the decayed usage that counts now; with a time, a step or a group exact hours and cost.

    Hours are GPU-hours, core-hours and GiB-hours; what they cost says the setting usage.prices.
    """
    if as_csv and as_json:
        raise Misuse("give --csv or --json, not both")
    filters = {
        "queue": queue,
        "user": user,
        "project": project,
        "since": None if since is None else past_time(since, "--since"),
        "until": None if until is None else past_time(until, "--until"),
    }
    is_past = any(each is not None for each in (user, project, since, until, by, group_by))
    groups = _groups(group_by)
    if by is not None and by not in _STEPS:
        raise InvalidValue("--by", by, f"must be one of {', '.join(_STEPS)}")
    with connect(url) as client:
        if is_past:
            _show_past(client, _past(filters, by, groups), as_csv=as_csv, as_json=as_json)
        else:
            _show_present(client, queue, as_csv=as_csv, as_json=as_json)


def _groups(text: str | None) -> list[str]:
    if text is None:
        return list(BY_QUEUE)
    groups = [each.strip() for each in text.split(",") if each.strip()]
    for each in groups:
        if each not in _GROUPS:
            raise InvalidValue("--group-by", each, f"must be some of {', '.join(_GROUPS)}")
    return groups


def _past(filters: dict[str, Any], by: str | None, groups: list[str]) -> Call[UsageHistory]:
    if by is None:
        return usage_calls.report(filters, groups)
    return usage_calls.history(filters, by, groups)


def _show_past(client: Client, call: Call[UsageHistory], *, as_csv: bool, as_json: bool) -> None:
    if as_csv:
        sys.stdout.write(client.send(usage_calls.as_csv(call)))
        return
    document = client.send(call)
    show_json(document) if as_json else show_history(document)


def _show_present(client: Client, queue: str | None, *, as_csv: bool, as_json: bool) -> None:
    if as_csv:
        if queue is not None:
            raise Misuse("--csv of one queue needs a time: give --since, or leave out --queue")
        sys.stdout.write(client.send(usage_calls.as_csv(usage_calls.usage())))
        return
    document = client.usage() if queue is None else client.queue_usage(queue)
    if as_json:
        show_json(document)
    elif queue is None:
        show_now(document)
    else:
        show_queue(document)
