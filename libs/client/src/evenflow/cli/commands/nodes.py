"""`evenflow nodes`: the machines, what is free on them, and whether they take work."""

from typing import Annotated

import typer
from rich.text import Text

from evenflow.cli.display.console import out, show, show_json
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import amounts
from evenflow.cli.options import JsonOption, UrlOption, connect
from evenflow.client import Client
from evenflow.client.models import Node

app = typer.Typer(help="List machines; cordon and uncordon them.")

Names = Annotated[list[str], typer.Argument(metavar="NODE...", help="Names as `nodes` lists.")]
_COLUMNS = (
    Column("NODE"),
    Column("CLUSTER", rank=3),
    Column("STATE"),
    Column("FREE", can_shrink=True),
    Column("CAPACITY", rank=1, can_shrink=True),
)


@app.callback(invoke_without_command=True, epilog="Example: evenflow nodes cordon node-007")
def nodes(ctx: typer.Context, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List machines; cordon and uncordon them."""
    if ctx.invoked_subcommand is not None:
        return
    with connect(url) as client:
        found = client.nodes()
    if as_json:
        show_json(found)
    elif found:
        print_table(_COLUMNS, [_row(node) for node in found])
    else:
        out().print(Text("no nodes are known yet; `evenflow status` says whose turn it is", "dim"))


@app.command(epilog="Example: evenflow nodes cordon node-007")
def cordon(names: Names, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Let machines take no new work; what runs there stays."""
    with connect(url) as client:
        _change(client, names, is_open=False, as_json=as_json)


@app.command(epilog="Example: evenflow nodes uncordon node-007")
def uncordon(names: Names, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Let machines take new work again."""
    with connect(url) as client:
        _change(client, names, is_open=True, as_json=as_json)


def _change(client: Client, names: list[str], *, is_open: bool, as_json: bool) -> None:
    changed = [client.uncordon(name) if is_open else client.cordon(name) for name in names]
    if as_json:
        show_json(changed)
        return
    for name in names:
        show(f"{name} takes new work again" if is_open else f"{name} takes no new work")


def _row(node: Node) -> list[Cell]:
    if not node["is_ready"]:
        state = Text("lost", style="red")
    elif node["is_cordoned"]:
        state = Text("cordoned", style="yellow")
    else:
        state = Text("ready", style="green")
    return [
        node["name"],
        node["cluster"],
        state,
        amounts(node["free"]),
        amounts(node["capacity"]),
    ]
