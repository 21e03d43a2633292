"""Where words go: results to stdout, all else to stderr; colours only where a person looks."""

import json
import sys
from functools import cache
from typing import Any

from rich.console import Console
from rich.text import Text

_WIDE = 100_000  # a file has no edge: nothing is cut there

STATUS_STYLE = {
    "pending": "dim",
    "queued": "yellow",
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "timeout": "red",
    "cancelled": "magenta",
    "ready": "green",
    "degraded": "yellow",
    "lost": "red",
    "unknown": "red",
    "not-ready": "yellow",
}


@cache
def _console(*, is_error: bool, is_terminal: bool) -> Console:
    # Without a file of its own it writes to whatever sys.stdout is at that moment.
    width = None if is_terminal else _WIDE
    return Console(stderr=is_error, width=width, highlight=False, markup=False, emoji=False)


def out() -> Console:
    """Return the console of results."""
    return _console(is_error=False, is_terminal=sys.stdout.isatty())


def err() -> Console:
    """Return the console of everything that is no result."""
    return _console(is_error=True, is_terminal=sys.stderr.isatty())


def say(line: str, style: str = "") -> None:
    """Tell something beside the result; never cut or wrapped by words we do not own."""
    err().print(Text(line, style=style), soft_wrap=True)


def show(line: str | Text, style: str = "") -> None:
    """Print one line of the result."""
    out().print(line if isinstance(line, Text) else Text(line, style=style), soft_wrap=True)


def show_fields(*fields: tuple[str, str | Text | None]) -> None:
    """Print fields of one thing, a line each; those that are None are left out."""
    for label, value in fields:
        if value is not None:
            show(Text.assemble((f"{label:>12}  ", "dim"), value))


def show_json(document: Any) -> None:
    """Print a document for programs."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def warn(message: str) -> None:
    """Tell what the user may want to change; nothing failed."""
    err().print(Text.assemble(("warning: ", "bold yellow"), message), soft_wrap=True)


def status_text(status: str) -> Text:
    """Return a state in its colour."""
    return Text(status, style=STATUS_STYLE.get(status, ""))
