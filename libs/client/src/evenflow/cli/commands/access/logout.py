"""`evenflow logout`: forget the token that is kept for a gateway."""

from typing import Final

from evenflow.cli.display.console import show
from evenflow.cli.inputs.options import UrlOption
from evenflow.client import find_system
from evenflow.client.discovery.logins import store_token
from evenflow.client.login.kept import kept_logins

EXAMPLE: Final = "evenflow logout --url https://evenflow.example"


def logout(*, url: UrlOption = None) -> None:
    """Forget the token that `evenflow login` stored for a gateway; it stays valid."""
    address = find_system(url, token="none")  # noqa: S106 - only its URL is wanted
    kept_logins().forget(address.url)
    path = store_token(address.url, None)
    show(f"no token for {address.url} is in {path} any more")
