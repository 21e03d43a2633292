"""Which rooms the `layers` contracts of pyproject.toml name, and which they leave out."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.checks.modules import Modules

_SEPARATORS: Final = re.compile(r"[|:]")
"""Between the names of one layer; a name in parentheses may be absent."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A list of rooms, top to bottom, that holds in each of its packages and leaves out none."""

    packages: tuple[re.Pattern[str], ...]
    rooms: frozenset[str]

    def is_about(self, package: str) -> bool:
        """Whether the contract lists the rooms of this package."""
        return any(pattern.fullmatch(package) for pattern in self.packages)


def read_contracts(pyproject: Path) -> list[Contract]:
    """Return the exhaustive `layers` contracts; others say nothing of a room that they forget."""
    linter = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]
    return [
        Contract(tuple(map(_pattern, each["containers"])), frozenset(_rooms(each)))
        for each in linter.get("contracts", ())
        if each["type"] == "layers" and each.get("exhaustive") and "containers" in each
    ]


def rooms_of(modules: Modules) -> dict[str, list[str]]:
    """Return each package that holds others, with the names of those."""
    packages = [name for name, module in modules.items() if module.is_package]
    found: dict[str, list[str]] = {}
    for name in packages:
        house, _, room = name.rpartition(".")
        if house:
            found.setdefault(house, []).append(room)
    return found


def uncovered(
    houses: Mapping[str, Sequence[str]], contracts: Sequence[Contract]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each package with those of its rooms that no contract about it names."""
    for house, rooms in houses.items():
        named = {room for each in contracts if each.is_about(house) for room in each.rooms}
        if missing := [room for room in rooms if room not in named]:
            yield house, missing


def _rooms(contract: Mapping[str, Sequence[str]]) -> Iterator[str]:
    ignored = set(contract.get("exhaustive_ignores", ()))
    for layer in contract["layers"]:
        for name in _SEPARATORS.split(layer):
            room = name.strip(" ()")
            if room not in ignored:
                yield room


def _pattern(expression: str) -> re.Pattern[str]:
    """Read a module expression as import-linter does: `*` is one name, `**` any number of them."""
    escaped = re.escape(expression)
    return re.compile(escaped.replace(r"\*\*", r"[\w.]+").replace(r"\*", r"\w+"))
