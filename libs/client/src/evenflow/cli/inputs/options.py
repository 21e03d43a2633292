"""What all commands have in common: which system, and for whom the result is."""

from typing import Annotated

import typer

from evenflow.client import Client

UrlOption = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="System to talk to; else EVENFLOW_URL or `up`."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before doing it.")]


def connect(url: str | None) -> Client:
    """Return a client of the system that is meant; raises what `find_system` raises."""
    return Client(url)


JobArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The job's id, or the beginning of it.")
]
