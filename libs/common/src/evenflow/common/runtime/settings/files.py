"""Files that settings name: whether this account can read them. Looked at by `--check-config`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from evenflow.common.runtime.settings.problems import Problem
from evenflow.common.runtime.settings.sections.settings import Settings

_ALL: Final = ("nats", "clock", "log_store")
_READ_BY: Final = {
    "gateway": ("gateway", "alerts", "auth", "redis"),
    "usage-aggregator": ("redis", "usage"),
    "policy-engine": ("redis",),
    "exporter": ("usage", "export"),
}
"""The sections whose files each service reads; `_ALL` is read by every one."""


def unreadable_files(settings: Settings, service: str) -> list[Problem]:
    """Return what is wrong with the files that a service would read."""
    problems = []
    for section in (*_ALL, *_READ_BY.get(service, ())):
        part = getattr(settings, section)
        for key, path in _files(part, section):
            if (reason := _why_not(path)) is not None:
                problems.append(Problem(key, str(path), reason))
    return problems


def _files(part: object, key: str) -> Iterator[tuple[str, Path]]:
    if isinstance(part, BaseModel):
        for name in type(part).model_fields:
            value = getattr(part, name)
            if isinstance(value, Path):
                if name.endswith("_file"):
                    yield f"{key}.{name}", value
            else:
                yield from _files(value, f"{key}.{name}")
    elif isinstance(part, Iterable) and not isinstance(part, str | bytes):
        values = part.values() if isinstance(part, dict) else part
        for index, value in enumerate(values):
            if isinstance(value, BaseModel):
                yield from _files(value, f"{key}.{index}")


def _why_not(path: Path) -> str | None:
    try:
        with path.open("rb") as opened:
            opened.read(1)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None
