"""`evenflow login` and `evenflow logout`: sign in at the identity provider of a system."""

from typing import Annotated, Final

import httpx
import typer
from rich.text import Text

from evenflow.cli.display.console import out
from evenflow.cli.inputs.options import UrlOption
from evenflow.client import Client
from evenflow.client.discovery.find import Address, find_system
from evenflow.client.login.device_flow import Prompt, sign_in
from evenflow.client.login.kept import kept_logins
from evenflow.client.requests.system import oidc_provider

EXAMPLE: Final = "evenflow login --oidc --url https://evenflow.example.org"

_TIMEOUT: Final = httpx.Timeout(10.0)


def login(
    *,
    url: UrlOption = None,
    oidc: Annotated[
        bool, typer.Option("--oidc", help="By the identity provider, in any browser.")
    ] = False,
) -> None:
    """Sign in; what is got is kept for this account and renewed by itself."""
    if not oidc:
        raise typer.BadParameter(
            "say how: --oidc by the identity provider; with a token set EVENFLOW_TOKEN instead"
        )
    where = find_system(url, with_login=False).url
    with Client(address=Address(where)) as client:
        provider = client.send(oidc_provider())
    with httpx.Client(timeout=_TIMEOUT) as http:
        got = sign_in(where, provider, _show, http)
    path = kept_logins().keep(got)
    with Client(address=Address(where, got.token)) as client:
        client.status()
    out().print(f"You are signed in at {where}; kept in {path}.", soft_wrap=True)


def logout(*, url: UrlOption = None) -> None:
    """Forget what `evenflow login` has kept for a system."""
    where = find_system(url, with_login=False).url
    if kept_logins().forget(where):
        out().print(f"Nothing is kept for {where} any more.", soft_wrap=True)
    else:
        out().print(f"Nothing was kept for {where}.", soft_wrap=True)


def _show(prompt: Prompt) -> None:
    out().print(
        Text.assemble(
            "Open ",
            (prompt.complete_url or prompt.url, "bold"),
            "\nand check that it shows the code ",
            (prompt.code, "bold"),
            f". Waiting {prompt.seconds / 60:.0f} min; Ctrl-C gives up.",
        ),
        soft_wrap=True,
    )
