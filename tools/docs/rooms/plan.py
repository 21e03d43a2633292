"""The rooms of a package and the arrows between them, in layers: every arrow points down."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.checks.circles import circles
from tools.checks.modules import Imports, Modules

Arrows = Mapping[str, frozenset[str]]
"""Importer to imported, by names of rooms or of boxes."""


@dataclass(frozen=True, slots=True)
class Room:
    """A package right inside another, or a module that stands beside such packages."""

    name: str
    path: Path  # of its file, or of its folder
    is_package: bool
    summary: str  # the first line of its docstring
    inside: tuple[str, ...] = ()  # the rooms of it, when a map shows them

    @property
    def label(self) -> str:
        """The name, as one looks for it."""
        return self.name if self.is_package else f"{self.name}.py"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a map shows. A box is a room, or all rooms of a circle, which have no order."""

    package: str
    boxes: Mapping[str, tuple[Room, ...]]
    layers: tuple[tuple[str, ...], ...]  # top to bottom
    arrows: Arrows  # without those that follow from others

    def rooms(self) -> Iterator[Room]:
        """Yield all rooms, those that import before those that they import."""
        for layer in self.layers:
            for box in layer:
                yield from self.boxes[box]


def plan_of(package: str, modules: Modules, imports: Imports, *, with_inside: bool) -> Plan:
    """Return the map of a package; `with_inside` names in each room the rooms of that."""
    depth = package.count(".") + 1
    inside = [name.split(".") for name in modules if name.startswith(f"{package}.")]
    names = {parts[depth] for parts in inside if len(parts) == depth + 1}
    names.discard("__main__")  # starts `app`, as everywhere
    arrows = _arrows(package, names, imports)
    members: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    for group in circles(arrows):
        members |= dict.fromkeys(group, tuple(group))
    arrows = _joined(arrows, {name: " ".join(group) for name, group in members.items()})
    boxes = {" ".join(group): group for group in members.values()}
    return Plan(
        package,
        {
            box: tuple(
                _room(package, name, modules, imports, with_inside=with_inside)
                for name in boxes[box]
            )
            for box in sorted(boxes)
        },
        _layers(arrows),
        _reduced(arrows),
    )


def _arrows(package: str, names: Iterable[str], imports: Imports) -> Arrows:
    start = f"{package}."
    found: dict[str, set[str]] = {name: set() for name in names}
    for importer, targets in imports.items():
        for target in targets:
            if importer.startswith(start) and target.startswith(start):
                one, other = (each[len(start) :].split(".")[0] for each in (importer, target))
                if one in found and other in found:
                    found[one] |= {other} - {one}
    return {name: frozenset(found[name]) for name in sorted(found)}


def _joined(arrows: Arrows, box_of: Mapping[str, str]) -> Arrows:
    joined: dict[str, frozenset[str]] = {}
    for name, targets in arrows.items():
        box = box_of[name]
        boxes = {box_of[target] for target in targets} - {box}
        joined[box] = joined.get(box, frozenset()) | boxes
    return joined


def _layers(arrows: Arrows) -> tuple[tuple[str, ...], ...]:
    """Place each box one above the highest of those that it imports: by the longest path."""
    heights: dict[str, int] = {}

    def height(box: str) -> int:
        if box not in heights:
            heights[box] = max((height(target) + 1 for target in arrows[box]), default=0)
        return heights[box]

    top = max(map(height, arrows), default=-1)
    return tuple(
        tuple(sorted(box for box in arrows if heights[box] == level))
        for level in range(top, -1, -1)
    )


def _reduced(arrows: Arrows) -> Arrows:
    """Leave out an arrow to what is reached by another one: the same order with fewer lines."""
    reached: dict[str, frozenset[str]] = {}

    def below(box: str) -> frozenset[str]:
        if box not in reached:
            reached[box] = arrows[box].union(*map(below, arrows[box]))
        return reached[box]

    return {
        box: targets - frozenset().union(*map(below, targets)) for box, targets in arrows.items()
    }


def _room(
    package: str, name: str, modules: Modules, imports: Imports, *, with_inside: bool
) -> Room:
    dotted = f"{package}.{name}"
    module = modules[dotted]
    inside: tuple[str, ...] = ()
    if with_inside:
        within = plan_of(dotted, modules, imports, with_inside=False)
        inside = tuple(room.name for room in within.rooms() if room.is_package)
    path = module.path.parent if module.is_package else module.path
    summary = module.docstring.partition("\n")[0]
    return Room(name, path, module.is_package, summary, inside)
