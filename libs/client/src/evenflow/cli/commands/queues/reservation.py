"""`evenflow reservation`: room kept in advance, made, listed, shown, cancelled."""

from typing import Annotated, Any

import typer
from rich.text import Text

from evenflow.cli.display.console import out, show, show_fields, show_json
from evenflow.cli.display.problems import Misuse
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import amounts, instant, lasting
from evenflow.cli.following import SHORT_ID
from evenflow.cli.inputs import placement
from evenflow.cli.inputs.options import JsonOption, UrlOption, YesOption, connect
from evenflow.cli.inputs.times import point_in_time
from evenflow.client.methods.reservations import EVERY_STATUS
from evenflow.client.models.reservations import Reservation, ReservationRequest
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.durations import parse_duration_us

app = typer.Typer(no_args_is_help=True, help="Keep room in advance for the jobs of a queue.")

Key = Annotated[
    str, typer.Argument(metavar="ID|NAME", help="Its id, the beginning of it, or its name.")
]
_COLUMNS = (
    Column("ID"),
    Column("NAME", can_shrink=True),
    Column("QUEUE", can_shrink=True),
    Column("STATE"),
    Column("START (UTC)"),
    Column("FOR", align="right"),
    Column("KEEPS", can_shrink=True),
)


@app.command(
    epilog="Example: evenflow reservation create nightly --queue vision "
    "--start 2026-12-01T08:00 --duration 4h --nodes 4 --gpu 8"
)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    *,
    queue: Annotated[str, typer.Option(help="Whose jobs may use it: this queue and below.")],
    start: Annotated[str, typer.Option(metavar="TIME", help="2026-12-01T08:00 (UTC), 2h, now.")],
    duration: Annotated[str | None, typer.Option(help="How long: 90m, 4h.")] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Instead of --duration.")] = None,
    tasks: Annotated[int | None, typer.Option(help="So many tasks at once, wherever.")] = None,
    nodes: Annotated[
        int | None, typer.Option(help="Instead of --tasks: one task on each of so many nodes.")
    ] = None,
    cpu: Annotated[str | None, typer.Option(help="Cores of each task; else 1.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory of each task; else 2Gi.")] = None,
    gpu: Annotated[str | None, typer.Option(help="Cards of each task.")] = None,
    selector: placement.Selector = None,
    tolerate: placement.Tolerate = None,
    same: placement.Same = None,
    executor: Annotated[str | None, typer.Option(help="Else that of the cluster.")] = None,
    user: Annotated[str | None, typer.Option(help="Who asks, as an operator; else you.")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep room for a queue's jobs from a start on, for as long as you say."""
    if tasks is not None and nodes is not None:
        raise Misuse("--tasks and --nodes both say how many; give one of them")
    where = placement.PlacementOptions(
        selector=selector or (),
        tolerate=tolerate or (),
        same=same,
        apart=None if nodes is None else "node",
    )
    optional: dict[str, Any] = {
        "end": None if end is None else point_in_time(end, "--end"),
        "duration_seconds": (
            None if duration is None else parse_duration_us(duration, "--duration") / SECOND
        ),
        "tasks": tasks if nodes is None else nodes,
        "cpu_request": cpu,
        "memory_request": memory,
        "gpu_request": gpu,
        "constraints": where.constraints(),
        "executor": executor,
    }
    request: ReservationRequest = {
        "name": name,
        "queue_id": queue,
        "start": point_in_time(start, "--start"),
        **({"user_id": user} if user else {}),
    }
    request.update({k: v for k, v in optional.items() if v is not None})  # type: ignore[typeddict-item]
    with connect(url) as client:
        made = client.create_reservation(request)
    show_json(made) if as_json else show(f"{_short(made)}  {_sentence(made)}")


@app.command("list", epilog="Example: evenflow reservation list --queue vision")
def list_them(
    *,
    queue: Annotated[str | None, typer.Option(help="Of this queue and below only.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Ended and cancelled ones too.")] = (
        False
    ),
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List reservations by their start."""
    with connect(url) as client:
        found = client.reservations(queue, status=EVERY_STATUS if everything else ())
    if as_json:
        show_json(found)
    elif found:
        print_table(_COLUMNS, [_row(each) for each in found])
    else:
        out().print(Text("nothing is reserved", style="dim"))


@app.command("show", epilog="Example: evenflow reservation show nightly")
def show_one(key: Key, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show a reservation."""
    with connect(url) as client:
        found = client.reservation(key)
    if as_json:
        show_json(found)
        return
    show_fields(
        ("id", found["id"]),
        ("name", found["name"]),
        ("queue", found["queue"]),
        ("state", found["status"]),
        ("start", _at(found["start"])),
        ("end", _at(found["end"])),
        ("keeps", _keeps(found)),
        ("cluster", found["executor"]),
        ("asked by", found["created_by"]),
        ("cancelled by", found["cancelled_by"]),
    )


@app.command(epilog="Example: evenflow reservation cancel nightly --yes")
def cancel(
    key: Key, *, yes: YesOption = False, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Cancel a reservation: what it keeps is free at once."""
    with connect(url) as client:
        found = client.reservation(key)
        if not yes:
            typer.confirm(f"Cancel {_sentence(found)}?", abort=True, err=True)
        gone = client.cancel_reservation(found["id"])
    show_json(gone) if as_json else show(f"{_short(gone)}  {gone['name']} cancelled")


def _row(found: Reservation) -> list[Cell]:
    return [
        _short(found),
        found["name"],
        found["queue"],
        found["status"],
        _at(found["start"]),
        lasting(found["duration_seconds"]),
        _keeps(found),
    ]


def _sentence(found: Reservation) -> str:
    return (
        f"{found['name']}: {_keeps(found)} for {found['queue']} from {_at(found['start'])} "
        f"for {lasting(found['duration_seconds'])}"
    )


def _keeps(found: Reservation) -> str:
    return f"{found['tasks']} x {amounts(found['resources'])}"


def _short(found: Reservation) -> str:
    return found["id"][:SHORT_ID]


def _at(text: str) -> str:
    return instant(text).strftime("%Y-%m-%d %H:%M:%S")
