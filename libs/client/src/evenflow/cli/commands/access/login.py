"""`evenflow login`, `evenflow logout`: store a token for a gateway, or forget it."""

import sys
from typing import Annotated, Final

import typer

from evenflow.cli.display.console import show
from evenflow.cli.display.problems import Misuse
from evenflow.cli.inputs.options import UrlOption
from evenflow.client import Client, find_system
from evenflow.client.discovery.logins import store_token

EXAMPLE: Final = "evenflow login --url https://evenflow.example"


def login(
    *,
    url: UrlOption = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="'-' reads it from stdin; without it you are asked. Others of this "
            "machine see what is typed here."
        ),
    ] = None,
) -> None:
    """Store your token for a gateway, in a file that only you may read."""
    address = find_system(url, token="none")  # noqa: S106 - only its URL is wanted
    given = _given(token)
    with Client(address.url, token=given) as client:
        who = client.whoami()
    path = store_token(address.url, given)
    roles = ", ".join(f"{role} of {project}" for project, role in who["roles"].items())
    show(f"you are {who['user_id']} at {address.url} ({roles}); the token is in {path}")


def logout(*, url: UrlOption = None) -> None:
    """Forget the token that `evenflow login` stored for a gateway; it stays valid."""
    address = find_system(url, token="none")  # noqa: S106 - only its URL is wanted
    path = store_token(address.url, None)
    show(f"no token for {address.url} is in {path} any more")


def _given(token: str | None) -> str:
    if token == "-":  # noqa: S105 - the sign for stdin
        token = sys.stdin.readline()
    elif token is None:
        token = typer.prompt("Token", hide_input=True, err=True)
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise Misuse("that is no token: paste the line that `evenflow token create` printed")
    return token
