"""`evenflow open`: a link that opens the page once."""

import os
import sys
import webbrowser
from typing import Annotated, Final

import typer

from evenflow.cli.display.console import show, show_json, warn
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect

EXAMPLE: Final = "evenflow open"


def open_(
    *,
    browser: Annotated[
        bool | None,
        typer.Option("--browser/--no-browser", help="Else where there is a screen and a person."),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a link that opens the page as you, once; open it where there is a browser."""
    with connect(url) as client:
        made = client.login_link()
        link = f"{client.url}{made['path']}"
    if as_json:
        show_json({"url": link, "expires_at": made["expires_at"]})
    else:
        show(link)
    is_wanted = browser if browser is not None else not as_json and _has_screen()
    if is_wanted and not webbrowser.open(link):
        warn("no browser opens here; open the link yourself")


def _has_screen() -> bool:
    is_shown = (
        sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    )
    return sys.stdout.isatty() and is_shown
