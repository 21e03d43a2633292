"""`evenflow token`: give, list and revoke tokens."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from evenflow.cli.display.console import show, show_json, warn
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import NOTHING, ago
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.models.access import Token
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.durations import parse_duration_us

EXAMPLE: Final = "evenflow token create --user alice --project vision --role member --expires 90d"

app = typer.Typer(no_args_is_help=True, help="Give, list and revoke tokens.")
_COLUMNS: Final = (
    Column("ID"),
    Column("USER"),
    Column("ROLES", can_shrink=True),
    Column("EXPIRES", rank=1),
    Column("LAST USED", rank=2, align="right"),
    Column("GIVEN BY", rank=3),
)


@app.command(epilog=f"Example: {EXAMPLE}")
def create(
    *,
    user: Annotated[str, typer.Option(help="Whose token it is: their jobs are theirs.")],
    project: Annotated[list[str], typer.Option(help="May be repeated; '*' is every project.")],
    role: Annotated[str, typer.Option(help="viewer, member, operator or admin.")] = "member",
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Such as 90d; else it does not expire.")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a token. Its secret is printed this once, and kept nowhere."""
    seconds = None if expires is None else parse_duration_us(expires, "--expires") / SECOND
    with connect(url) as client:
        made = client.create_token(user, project, role=role, expires_in_seconds=seconds)
    if as_json:
        show_json(made)
        return
    show(made["token"])
    warn(f"token {made['id']} of {user}: shown this once; they store it by `evenflow login`")


@app.command("list", epilog="Example: evenflow token list")
def list_(*, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the tokens that you may revoke, never their secrets."""
    with connect(url) as client:
        tokens = client.tokens()
    if as_json:
        show_json(tokens)
        return
    print_table(_COLUMNS, [_row(token) for token in tokens])


@app.command(epilog="Example: evenflow token revoke 3f9c02ab77d1")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    *,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a token: within a second it opens nothing, nor do sessions that came from it."""
    with connect(url) as client:
        gone = client.revoke_token(token_id)
    if as_json:
        show_json(gone)
    else:
        show(f"token {gone['id']} of {gone['user_id']} is revoked")


def _row(token: Token) -> list[Cell]:
    used = token["last_used_at"]
    return [
        token["id"],
        token["user_id"],
        ", ".join(f"{role} of {project}" for project, role in token["roles"].items()),
        (token["expires_at"] or NOTHING)[:19],
        ago(used, datetime.now(UTC)) if used else NOTHING,
        token["created_by"],
    ]
