"""Which server to use: an external one by URL, else the wheel's, else the one on PATH."""

import importlib.metadata
import shutil
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evenflow.cli.launcher.layout.errors import CannotStart


@dataclass(frozen=True, slots=True)
class External:
    """A server that somebody else runs."""

    url: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """A server of our own, started from this program."""

    program: Path


Lookup = Callable[[], Path | None]


def choose(name: str, distribution: str, url: str | None, *lookups: Lookup) -> External | Embedded:
    """Return the server to use: the URL wins, then the first lookup that finds a program.

    Raises:
        CannotStart: there is neither.
    """
    if url is not None:
        return External(url)
    for lookup in lookups:
        if program := lookup():
            return Embedded(program)
    raise CannotStart(
        f"there is no {name}: install the package {distribution}, put {name} on PATH, "
        "or name a running server in the settings"
    )


def in_wheel(distribution: str, name: str) -> Path | None:
    """Return the program a wheel brought, in its files or among this environment's scripts."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    candidates = [Path(str(file.locate())) for file in files if file.name == name]
    candidates.append(Path(sysconfig.get_path("scripts")) / name)
    return next((path.resolve() for path in candidates if path.is_file()), None)


def on_path(name: str) -> Path | None:
    """Return the program of that name on PATH."""
    found = shutil.which(name)
    return Path(found) if found else None
