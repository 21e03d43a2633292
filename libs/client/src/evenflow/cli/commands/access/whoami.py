"""`evenflow whoami`: who you are to a gateway."""

from typing import Final

from evenflow.cli.display.console import show, show_json
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect

EXAMPLE: Final = "evenflow whoami"


def whoami(*, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Say who you are there, and what you may do in which project."""
    with connect(url) as client:
        who, where = client.whoami(), client.url
    if as_json:
        show_json(who)
        return
    show(f"you are {who['user_id']} at {where} (by {who['credential']})")
    if who["label"] != who["user_id"]:
        show(f"clusters call you {who['label']}")
    for project, role in who["roles"].items():
        show(f"  {role} of {'every project' if project == '*' else project}")
