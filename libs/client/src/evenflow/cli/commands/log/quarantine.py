"""`evenflow log quarantine`: let all services pass over a message that none of them can read."""

from typing import Annotated

import typer

from evenflow.cli.display.console import show, show_json
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect


def quarantine(
    sequence: Annotated[int, typer.Argument(metavar="SEQ", min=1, help="As `status` names it.")],
    *,
    reason: Annotated[str, typer.Option(help="Why it is there, for the log.")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let all services pass over a message that none of them can read.

    What can be read is refused: services that have folded it and those that have not would differ.
    """
    with connect(url) as client:
        done = client.quarantine(sequence, reason)
    if as_json:
        show_json(done)
    else:
        show(f"all services pass over {done['sequence']}: the log says so at {done['said_at']}")
