"""`evenflow login`: keep a token for a gateway.

The token is one that an admin gave, or with `--oidc` the identity provider's, renewed by itself.
"""

import sys
from collections.abc import Mapping
from typing import Annotated, Final

import httpx
import typer

from evenflow.cli.display.console import show
from evenflow.cli.display.problems import Misuse
from evenflow.cli.inputs.options import UrlOption
from evenflow.client import Client, find_system
from evenflow.client.discovery.find import Address
from evenflow.client.discovery.logins import store_token
from evenflow.client.login.device_flow import Prompt, sign_in
from evenflow.client.login.kept import kept_logins
from evenflow.client.login.trust import trusted
from evenflow.client.requests.system import oidc_provider

EXAMPLE: Final = "evenflow login --url https://evenflow.example"
_TIMEOUT: Final = httpx.Timeout(10.0)


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
    oidc: Annotated[
        bool, typer.Option("--oidc", help="Sign in at its identity provider, in any browser.")
    ] = False,
) -> None:
    """Store your token for a gateway, in a file that only you may read."""
    address = find_system(url, token="none")  # noqa: S106 - only its URL is wanted
    if oidc:
        if token is not None:
            raise Misuse("--oidc gets a token itself: leave --token out")
        _at_the_provider(address.url)
        return
    given = _given(token)
    with Client(address.url, token=given) as client:
        who = client.whoami()
    path = store_token(address.url, given)
    kept_logins().forget(address.url)  # the newer one counts
    roles = _roles(who["roles"])
    show(f"you are {who['user_id']} at {address.url} ({roles}); the token is in {path}")


def _at_the_provider(url: str) -> None:
    with Client(address=Address(url)) as client:
        provider = client.send(oidc_provider())
    with httpx.Client(timeout=_TIMEOUT, verify=trusted()) as http:
        got = sign_in(url, provider, _show_prompt, http)
    with Client(address=Address(url, got.token)) as client:
        who = client.whoami()
    path = kept_logins().keep(got)
    store_token(url, None)  # the newer one counts
    show(f"you are {who['user_id']} at {url} ({_roles(who['roles'])}); kept in {path}")


def _show_prompt(prompt: Prompt) -> None:
    show(f"Open {prompt.complete_url or prompt.url}")
    minutes = f"{prompt.seconds / 60:.0f} min"
    show(f"and check that it shows the code {prompt.code}. Waiting {minutes}; Ctrl-C gives up.")


def _roles(roles: Mapping[str, str]) -> str:
    return ", ".join(f"{role} of {project}" for project, role in roles.items())


def _given(token: str | None) -> str:
    if token == "-":  # noqa: S105 - the sign for stdin
        token = sys.stdin.readline()
    elif token is None:
        token = typer.prompt("Token", hide_input=True, err=True)
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise Misuse("that is no token: paste the line that `evenflow token create` printed")
    return token
