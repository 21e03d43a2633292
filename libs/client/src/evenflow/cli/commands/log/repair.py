"""`evenflow log repair`: what the log has lost, and letting all services go on without it."""

from typing import Annotated

import typer

from evenflow.cli.display.console import show, show_json
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.models.log import Repair


def repair(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only show.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "repaired by hand",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the log has lost, and with --yes let all services go on without it."""
    with connect(url) as client:
        found = client.repair_log(reason) if yes else client.look_at_log()
    if as_json:
        show_json(found)
        return
    for line in lines_of(found):
        show(line)


def lines_of(found: Repair) -> list[str]:
    """Return what people read."""
    if not found["gaps"] and found["cut_after"] is None:
        return ["the log is whole: nothing is lost"]
    lines = [
        f"sequences {gap['first']} to {gap['last']} are gone: {gap['known']}"
        for gap in found["gaps"]
    ]
    if found["cut_after"] is not None:
        lines.append(
            f"the log has lost its end: it goes on behind {found['cut_after']}, and what was "
            "folded beyond is dropped"
        )
        lines += [f"  ahead of the log: {each}" for each in found["ahead"]]
    if found["said_at"] is None:
        lines.append("nothing was changed; `evenflow log repair --yes` lets all services go on")
    else:
        lines.append(f"all services go on: the log says so at {found['said_at']}")
    return lines
