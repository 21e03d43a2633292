"""`evenflow log readers`: who reads the log, and up to where each needs it no more."""

from rich.text import Text

from evenflow.cli.display.console import out, show_json
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import rough
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.models.log import LogReaderPlace

_COLUMNS = (
    Column("READER", can_shrink=True),
    Column("CURSOR", align="right"),
    Column("LAG", align="right", rank=1),
    Column("TOLD", align="right", rank=2),
    Column("STATE"),
)


def readers(*, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List who reads the log; it is cut up to the first one's cursor at most."""
    with connect(url) as client:
        found = client.log_readers()
    if as_json:
        show_json(found)
    elif found:
        print_table(list(_COLUMNS), [_row(reader) for reader in found])
    else:
        out().print(Text("no reader has told its place yet", "dim"))


def _row(reader: LogReaderPlace) -> list[Cell]:
    age = reader["age_seconds"]
    return [
        reader["name"],
        str(reader["sequence"]),
        str(reader["lag"]),
        "-" if age is None else f"{rough(age)} ago",
        Text("dead", "red") if reader["is_dead"] else Text("reads", "green"),
    ]
