"""`evenflow log cuts`: what was cut off the log, when, and what did not let more go."""

from rich.text import Text

from evenflow.cli.display.console import out, show_json
from evenflow.cli.display.table import Column, print_table
from evenflow.cli.display.words import size
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect

_COLUMNS = (
    Column("AT"),
    Column("CUT", align="right"),
    Column("FACTS", align="right", rank=1),
    Column("FREED", align="right", rank=2),
    Column("HELD BY", can_shrink=True),
    Column("CUT BY", rank=3, can_shrink=True),
)


def cuts(*, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the newest cuts, newest first."""
    with connect(url) as client:
        found = client.log_cuts()
    if as_json:
        show_json(found)
    elif found:
        rows = [
            [
                each["at"],
                f"{each['first_sequence']}-{each['last_sequence']}",
                f"{each['facts']:,}",
                size(each["freed_bytes"]),
                each["held_by"],
                each["by"],
            ]
            for each in found
        ]
        print_table(list(_COLUMNS), rows)
    else:
        out().print(Text("the log was never cut: nothing had to go yet", "dim"))
