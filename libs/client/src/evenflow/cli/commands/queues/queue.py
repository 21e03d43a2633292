"""`evenflow queue`: one queue, made, changed, shown, deleted."""

from typing import Annotated, Any

import typer

from evenflow.cli.display.console import show, show_fields, show_json
from evenflow.cli.display.problems import Misuse
from evenflow.cli.display.words import amounts, lasting, limit_word, percent
from evenflow.cli.inputs.limits import amounts_or_none, whole_or_none
from evenflow.cli.inputs.options import JsonOption, UrlOption, YesOption, connect
from evenflow.client.models.queues import Queue
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.durations import parse_duration_us

app = typer.Typer(no_args_is_help=True, help="Create, change, show and delete queues.")

Name = Annotated[str, typer.Argument(metavar="QUEUE", help="Path such as vision/train, or id.")]
Weight = Annotated[float | None, typer.Option(help="Share of what is left, at least 0.")]
Priority = Annotated[int | None, typer.Option(help="Higher goes first.")]
MostJobs = Annotated[
    str | None, typer.Option("--max-jobs", metavar="N|none", help="Jobs running at once.")
]
Deserved = Annotated[
    str | None,
    typer.Option(metavar="cpu=4,gpu=2|none", help="Guaranteed, whatever others want."),
]
Limit = Annotated[
    str | None, typer.Option(metavar="cpu=8,memory=64Gi|none", help="Never more than this.")
]
Policy = Annotated[
    str | None, typer.Option(help="Order of its jobs, such as fifo or deadline; or none.")
]
Target = Annotated[
    str | None,
    typer.Option("--target-wait", metavar="10m|none", help="Jobs that waited longer go first."),
]
Description = Annotated[str | None, typer.Option(help="A note for people.")]


@app.command(epilog="Example: evenflow queue create vision/train --weight 2 --limit gpu=4")
def create(
    name: Name,
    *,
    weight: Weight = None,
    priority: Priority = None,
    max_jobs: MostJobs = None,
    deserved: Deserved = None,
    limit: Limit = None,
    policy: Policy = None,
    target_wait: Target = None,
    description: Description = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a queue; its project is made too when it is missing."""
    fields = _fields(
        {"weight": weight, "priority": priority, "description": description},
        max_jobs=max_jobs,
        target_wait=target_wait,
        policy=policy,
        deserved=deserved,
        limit=limit,
    )
    with connect(url) as client:
        _tell(client.create_queue(name, fields), "created", as_json=as_json)


@app.command("set", epilog="Example: evenflow queue set vision/train --weight 3 --max-jobs none")
def change(
    name: Name,
    *,
    weight: Weight = None,
    priority: Priority = None,
    max_jobs: MostJobs = None,
    deserved: Deserved = None,
    limit: Limit = None,
    policy: Policy = None,
    target_wait: Target = None,
    description: Description = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a queue; what is not named stays as it is."""
    fields = _fields(
        {"weight": weight, "priority": priority, "description": description},
        max_jobs=max_jobs,
        target_wait=target_wait,
        policy=policy,
        deserved=deserved,
        limit=limit,
    )
    if not fields:
        raise Misuse("say what shall change, as --weight 2")
    with connect(url) as client:
        _tell(client.change_queue(name, fields), "changed", as_json=as_json)


@app.command("show", epilog="Example: evenflow queue show vision/train")
def show_one(name: Name, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show a queue."""
    with connect(url) as client:
        queue = client.queue(name)
    if as_json:
        show_json(queue)
        return
    show_fields(
        ("queue", queue["path"] + ("" if queue["enabled"] else " (disabled)")),
        ("id", queue["id"]),
        ("description", queue["description"] or None),
        ("weight", f"{queue['weight']:g} (by weight {percent(queue['weight_ratio'])})"),
        ("holds", f"{percent(queue['held_ratio'])}  {amounts(queue['held'])}"),
        ("priority", str(queue["priority"])),
        ("policy", queue["policy"] or "that of the system"),
        ("deserved", amounts(queue["deserved"]) or None),
        ("limit", amounts(queue["limit"]) if queue["limit"] else "no limit"),
        ("most jobs", limit_word(queue["max_concurrent_jobs"])),
        ("target wait", _target(queue)),
        ("jobs", _counts(queue)),
    )


@app.command(epilog="Example: evenflow queue delete vision/train")
def delete(
    name: Name, *, yes: YesOption = False, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Delete a queue that has no jobs."""
    with connect(url) as client:
        path = client.queue(name)["path"]
        if not yes:
            typer.confirm(f"Delete queue {path}?", abort=True, err=True)
        client.delete_queue(name)
    show_json({"path": path, "deleted": True}) if as_json else show(f"queue {path} deleted")


@app.command(epilog="Example: evenflow queue enable vision/train")
def enable(name: Name, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Let a queue take jobs and start them again."""
    with connect(url) as client:
        _tell(client.change_queue(name, {"enabled": True}), "enabled", as_json=as_json)


@app.command(epilog="Example: evenflow queue disable vision/train")
def disable(name: Name, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Let a queue take no jobs and start none; what runs goes on."""
    with connect(url) as client:
        _tell(client.change_queue(name, {"enabled": False}), "disabled", as_json=as_json)


def _target(queue: Queue) -> str | None:
    seconds = queue["target_wait_seconds"]
    return None if seconds is None else lasting(seconds)


def _counts(queue: Queue) -> str:
    return (
        f"{queue['running_jobs']} running, {queue['pending_jobs']} waiting, "
        f"{queue['total_jobs']} in all"
    )


def _tell(queue: Queue, what: str, *, as_json: bool) -> None:
    show_json(queue) if as_json else show(f"queue {queue['path']} {what}")


def _fields(
    plain: dict[str, Any],
    *,
    max_jobs: str | None,
    target_wait: str | None,
    policy: str | None,
    deserved: str | None,
    limit: str | None,
) -> Queue:
    """Return what was given on the command line; what was not stays as it is."""
    fields = {name: value for name, value in plain.items() if value is not None}
    if max_jobs is not None:
        fields["max_concurrent_jobs"] = whole_or_none(max_jobs, "--max-jobs")
    if target_wait is not None:
        us = None if target_wait == "none" else parse_duration_us(target_wait, "--target-wait")
        fields["target_wait_seconds"] = None if us is None else us / SECOND
    if policy is not None:
        fields["policy"] = None if policy == "none" else policy
    for name, text in (("deserved", deserved), ("limit", limit)):
        if text is not None:
            fields[name] = amounts_or_none(text, f"--{name}")
    return fields  # type: ignore[return-value]  # built by name
