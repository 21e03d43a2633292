"""`evenflow queues`: the tree, what each queue runs and what its weight promises."""

from typing import Annotated, Final

import typer
from rich.text import Text

from evenflow.cli.display.console import out, show_json
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import NOTHING, amounts, percent
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.models.queues import Queue

EXAMPLE: Final = "evenflow queues --project vision"

_COLUMNS = (
    Column("QUEUE"),
    Column("WEIGHT", rank=3, align="right"),
    Column("PRIO", rank=7, align="right"),
    Column("RUNNING", align="right"),
    Column("WAITING", align="right"),
    Column("TOTAL", rank=6, align="right"),
    Column("HOLDS", rank=2, align="right"),
    Column("BY WEIGHT", rank=4, align="right"),
    Column("DESERVED", rank=8, can_shrink=True),
    Column("LIMIT", rank=5, can_shrink=True),
    Column("MOST JOBS", rank=9, align="right"),
)


def queues(
    *,
    project: Annotated[str | None, typer.Option(help="This project only.")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List queues with their jobs, what they hold of the cluster, and their limits."""
    with connect(url) as client:
        found = client.queues(project)
    if as_json:
        show_json(found)
    elif found:
        print_table(_COLUMNS, [_row(queue) for queue in found])
    else:
        out().print(Text("no queues yet; `evenflow apply -f fleet.yaml` makes some", style="dim"))


def _row(queue: Queue) -> list[Cell]:
    depth = queue["path"].count("/")
    name = Text("  " * depth + (queue["name"] if depth else queue["path"]))
    if not queue["enabled"]:
        name.append(" (disabled)", style="red")
    most = queue["max_concurrent_jobs"]
    return [
        name,
        f"{queue['weight']:g}",
        str(queue["priority"] or ""),
        str(queue["running_jobs"]),
        str(queue["pending_jobs"]),
        str(queue["total_jobs"]),
        percent(queue["held_ratio"]),
        percent(queue["weight_ratio"]),
        amounts(queue["deserved"]),
        amounts(queue["limit"]),
        NOTHING if most is None else str(most),
    ]
