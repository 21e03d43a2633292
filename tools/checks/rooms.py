"""Find what makes rooms too large, nameless or tangled. The rule and its reasons: docs/adr/0026.

`python -m tools.checks.rooms [FOLDER]`; without one, this tree. Prints each import circle with the
lines that close it, what is too long, and rooms that no list in pyproject.toml names.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from tools.checks.circles import circles
from tools.checks.contracts import read_contracts, rooms_of, uncovered
from tools.checks.modules import ROOT, Imports, Modules, imports_of, read_modules

MOST_MODULES: Final = 16
"""In a folder of source, `__init__` included: about what one sees at once."""
MOST_LINES: Final = 350
"""Of any file, tests too."""
MEDIAN_LINES: Final = 90
NINE_OF_TEN_LINES: Final = 230
LEAST_WORDS: Final = 6
"""A docstring below that only repeats the name of its folder."""
TREES: Final = ("libs", "services", "tools", "tests", "examples")
_PLACEHOLDER: Final = "Evenflow: "
_NAMESPACE: Final = "evenflow"
"""No folder of its own: several distributions share it."""


class Finding(NamedTuple):
    """Something that breaks a rule, and where."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        """Where, which rule, what."""
        return f"{self.where}: [{self.rule}] {self.what}"


def check(root: Path, modules: Modules) -> list[Finding]:
    """Return what breaks a rule in the tree, whose modules have been read."""
    return [
        *_circles(modules, imports_of(modules)),
        *_crowded(modules),
        *_unexplained(modules),
        *_long_files(root),
        *_long_in_sum(modules),
        *_unlisted(modules, root / "pyproject.toml"),
    ]


def summary(modules: Modules) -> str:
    """Return how large the files of source are, in a line."""
    lines = _sizes(modules)
    packages = sum(module.is_package for module in modules.values())
    return (
        f"{len(modules)} modules in {packages} packages; median {median(lines):.0f} lines, "
        f"nine of ten up to {_nine_of_ten(lines)}, longest {lines[-1]}"
    )


def main(arguments: Sequence[str]) -> int:
    """Print findings and sizes; return the exit code."""
    root = Path(arguments[0]).resolve() if arguments else ROOT
    modules = read_modules(root)
    found = check(root, modules)
    for finding in found:
        print(finding)
    print(f"rooms: {summary(modules)}; {len(found)} findings")
    return 1 if found else 0


def _circles(modules: Modules, imports: Imports) -> Iterator[Finding]:
    for group in circles(imports):
        arrows = [
            f"\n    {modules[one].path}:{line} imports {other}"
            for one in group
            for other, line in imports[one].items()
            if other in group
        ]
        what = f"{len(group)} modules import each other:{''.join(arrows)}"
        yield Finding("circle", str(modules[group[0]].path), what)


def _crowded(modules: Modules) -> Iterator[Finding]:
    counts = Counter(module.path.parent for module in modules.values())
    for folder, count in counts.items():
        if count > MOST_MODULES:
            what = f"{count} modules, {MOST_MODULES} at most: find the second noun in it"
            yield Finding("crowded", str(folder), what)


def _unexplained(modules: Modules) -> Iterator[Finding]:
    folders = {module.path.parent for module in modules.values()}
    explained = {module.path.parent: module for module in modules.values() if module.is_package}
    for folder in sorted(folders):
        if folder not in explained:
            yield Finding("docstring", str(folder), "has no __init__.py to say what it is for")
            continue
        text = explained[folder].docstring
        if text.startswith(_PLACEHOLDER) or len(text.split()) < LEAST_WORDS:
            what = "the docstring does not say what the room is for"
            yield Finding("docstring", str(explained[folder].path), what)


def _long_files(root: Path) -> Iterator[Finding]:
    for tree in TREES:
        for path in sorted((root / tree).rglob("*.py")):
            count = len(path.read_text(encoding="utf-8").splitlines())
            if count > MOST_LINES:
                what = f"{count} lines, {MOST_LINES} at most: find the second noun in it"
                yield Finding("long", str(path.relative_to(root)), what)


def _long_in_sum(modules: Modules) -> Iterator[Finding]:
    lines = _sizes(modules)
    for count, most, called in (
        (median(lines), MEDIAN_LINES, "the median file"),
        (_nine_of_ten(lines), NINE_OF_TEN_LINES, "the longest of the shortest 90 % of files"),
    ):
        if count > most:
            yield Finding("long", "source", f"{called} has {count:.0f} lines, {most} at most")


def _unlisted(modules: Modules, pyproject: Path) -> Iterator[Finding]:
    ours = {name: module for name, module in modules.items() if name.startswith(f"{_NAMESPACE}.")}
    for house, rooms in uncovered(rooms_of(ours), read_contracts(pyproject)):
        where = str(modules[house].path.parent) if house in modules else house
        what = f"no exhaustive `layers` contract of {house} names {', '.join(rooms)}"
        yield Finding("contract", where, what)


def _sizes(modules: Modules) -> list[int]:
    return sorted(module.lines for module in modules.values())


def _nine_of_ten(ordered: Sequence[int]) -> int:
    """Return the size that nine of ten files do not pass."""
    return ordered[ceil(len(ordered) * 9 / 10) - 1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
