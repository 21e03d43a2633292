"""`evenflow nodes`: the machines, what is free on them, and which work they take."""

from typing import Annotated

import typer
from rich.text import Text

from evenflow.cli.display.console import out, show, show_json
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import amounts
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client import Client
from evenflow.client.models.system import Node
from evenflow.common.domain.errors import InvalidValue

app = typer.Typer(help="List machines; cordon, label and taint them.")

Names = Annotated[list[str], typer.Argument(metavar="NODE...", help="Names as `nodes` lists.")]
_COLUMNS = (
    Column("NODE"),
    Column("CLUSTER", rank=3),
    Column("STATE"),
    Column("FREE", can_shrink=True),
    Column("CAPACITY", rank=1, can_shrink=True),
)
_MARKS = (Column("LABELS", rank=4, can_shrink=True), Column("TAINTS", rank=2, can_shrink=True))
Name = Annotated[str, typer.Argument(metavar="NODE", help="A name as `nodes` lists.")]
Marks = Annotated[list[str], typer.Argument(metavar="NAME=VALUE|NAME-...")]


@app.callback(invoke_without_command=True, epilog="Example: evenflow nodes cordon node-007")
def nodes(ctx: typer.Context, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List machines; cordon, label and taint them."""
    if ctx.invoked_subcommand is not None:
        return
    with connect(url) as client:
        found = client.nodes()
    if as_json:
        show_json(found)
    elif found:
        print_table(*table_of(found))
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


@app.command(epilog="Example: evenflow nodes label node-007 gpu-model=a100 rack=r3 old-")
def label(name: Name, marks: Marks, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Set labels of a machine, or take them away (NAME-), whatever its cluster says of them."""
    labels = read_marks(marks, needs_value=True)
    with connect(url) as client:
        node = client.change_node(name, labels=labels)
    show_json(node) if as_json else show(f"{name}: {_labels(node) or 'no labels'}")


@app.command(epilog="Example: evenflow nodes taint node-007 dedicated=vision broken-")
def taint(name: Name, marks: Marks, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Keep work off a machine that does not tolerate NAME[=VALUE]; NAME- takes that back."""
    taints = read_marks(marks, needs_value=False)
    with connect(url) as client:
        node = client.change_node(name, taints=taints)
    show_json(node) if as_json else show(f"{name}: {_taints(node) or 'no taints'}")


def read_marks(texts: list[str], *, needs_value: bool) -> dict[str, str | None]:
    """Read `name=value`, `name` and `name-`; the last takes it away.

    Raises:
        InvalidValue: neither, or a name twice.
    """
    found: dict[str, str | None] = {}
    rule = "must be NAME=VALUE" + (", or NAME- " if needs_value else ", NAME, or NAME- ")
    for text in texts:
        name, equals, value = text.partition("=")
        is_removal = not equals and name.endswith("-")
        name = name.removesuffix("-") if is_removal else name
        if not name or (needs_value and not equals and not is_removal):
            raise InvalidValue("NAME", text, f"{rule}to take it away")
        if name in found:
            raise InvalidValue("NAME", text, "says another thing of the same name")
        found[name] = None if is_removal else value
    return found


def table_of(found: list[Node]) -> tuple[list[Column], list[list[Cell]]]:
    """Return the machines as columns and rows; labels and taints only when any has some."""
    marks = [(_labels(node), _taints(node)) for node in found]
    shown = [index for index in range(len(_MARKS)) if any(each[index] for each in marks)]
    columns = [*_COLUMNS, *(_MARKS[index] for index in shown)]
    rows = [
        [*_row(node), *(each[index] for index in shown)]
        for node, each in zip(found, marks, strict=True)
    ]
    return columns, rows


def _labels(node: Node) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(node["labels"].items()))


def _taints(node: Node) -> str:
    pairs = sorted(node["taints"].items())
    return " ".join(f"{key}={value}" if value else key for key, value in pairs)


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
    elif node.get("resting_until"):  # it refused to start runs, and is tried again then
        state = Text("resting", style="yellow")
    else:
        state = Text("ready", style="green")
    return [
        node["name"],
        node["cluster"],
        state,
        amounts(node["free"]),
        amounts(node["capacity"]),
    ]
