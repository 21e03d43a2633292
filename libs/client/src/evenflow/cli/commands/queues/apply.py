"""`evenflow apply`: queues and quotas as a file says, and what that changed."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from evenflow.cli.display.console import out, show_json
from evenflow.cli.display.words import amounts, count
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.errors import ApiProblem
from evenflow.client.fleet import Fleet, read_fleet
from evenflow.client.models.queues import Applied, AppliedResult
from evenflow.common.domain.errors import InvalidValue

EXAMPLE: Final = "evenflow apply -f fleet.yaml"

_MARKS = {"created": ("+", "green"), "changed": ("~", "yellow"), "unchanged": ("=", "dim")}


def apply(
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="The fleet; - for stdin.")
    ],
    *,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Define queues and quotas from a file, all or nothing; the same file again changes nothing."""
    fleet = load_fleet(file)
    with connect(url) as client:
        try:
            applied = client.apply(fleet.queues)
        except ApiProblem as problem:
            raise fleet.located(problem) from problem
    if as_json:
        show_json(applied)
    else:
        show_applied(applied)


def load_fleet(file: str) -> Fleet:
    """Read a fleet file; raises BadFleet, or InvalidValue when there is none to read."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidValue("--file", file, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidValue("--file", file, f"is not text: {error.reason}") from error
    return read_fleet(text, "stdin" if file == "-" else file)


def show_applied(applied: Applied) -> None:
    """Print the differences and a sum."""
    for result in applied["results"]:
        out().print(_line(result), soft_wrap=True)
    out().print(
        f"{count(applied['created'], 'definition')} created, {applied['changed']} changed, "
        f"{applied['unchanged']} unchanged",
        soft_wrap=True,
    )


def _line(result: AppliedResult) -> Text:
    mark, style = _MARKS.get(result["outcome"], ("?", ""))
    line = Text(f"{mark} {result['kind']:5} {result['path']}", style=style)
    if result["outcome"] == "changed":
        for name, (old, new) in result["changes"].items():
            line.append(f"\n    {name}: {_shown(old)} -> {_shown(new)}", style="")
    return line


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return amounts(value) or "none"
    return "none" if value is None else str(value)
