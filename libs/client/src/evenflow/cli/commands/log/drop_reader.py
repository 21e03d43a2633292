"""`evenflow log drop-reader`: let a dead reader go, so that it holds the log no more."""

from typing import Annotated

import typer

from evenflow.cli.display.console import show
from evenflow.cli.inputs.options import UrlOption, connect

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `evenflow log readers` lists it.")]


def drop_reader(name: Name, *, url: UrlOption = None) -> None:
    """Let a dead reader go; coming back, it begins with a base. A living one is refused."""
    with connect(url) as client:
        client.drop_log_reader(name)
    show(f"{name} holds the log no more; should it come back, it begins with a base")
