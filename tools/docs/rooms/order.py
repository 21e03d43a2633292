"""In which order the boxes of each row stand, so that few arrows cross."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 24
Row = list[str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Boxes by row, with a joint in each row that an arrow passes; links lead one row down."""

    rows: list[Row]
    links: list[tuple[str, str]]
    courses: Mapping[tuple[str, str], tuple[str, ...]]
    """Arrow to what it goes through: its box, joints, the other box."""

    def neighbours(self) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
        """Return what each is linked to in the row above, and in the row below."""
        above: dict[str, list[str]] = {name: [] for row in self.rows for name in row}
        below: dict[str, list[str]] = {name: [] for row in self.rows for name in row}
        for upper, lower in self.links:
            above[lower].append(upper)
            below[upper].append(lower)
        return above, below


def in_rows(layers: Sequence[Sequence[str]], arrows: Iterable[tuple[str, str]]) -> Rows:
    """Return rows with joints, in an order with few crossings. The same input, the same order."""
    level = {box: number for number, layer in enumerate(layers) for box in layer}
    rows = [list(layer) for layer in layers]
    courses = {}
    for one, other in arrows:
        joints = [f"{one}>{other}@{number}" for number in range(level[one] + 1, level[other])]
        for number, joint in enumerate(joints, start=level[one] + 1):
            rows[number].append(joint)
        courses[one, other] = (one, *joints, other)
    links = [link for course in courses.values() for link in pairwise(course)]
    return _ordered(Rows(rows, links, courses))


def crossings(rows: Sequence[Row], links: Iterable[tuple[str, str]]) -> int:
    """Return how many pairs of links cross."""
    place = {name: (number, at) for number, row in enumerate(rows) for at, name in enumerate(row)}
    ends = sorted((place[upper], place[lower][1]) for upper, lower in links)
    count = 0
    for index, ((row, left), low) in enumerate(ends):
        for (other_row, right), other_low in ends[index + 1 :]:
            if other_row != row:
                break
            count += right > left and other_low < low
    return count


def _ordered(start: Rows) -> Rows:
    """Order each row by where its neighbours stand, again and again; keep the best that came."""
    above, below = start.neighbours()
    rows = [list(row) for row in start.rows]
    best, fewest = [list(row) for row in rows], crossings(rows, start.links)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for number in numbers:
            fixed = rows[number - 1] if down else rows[number + 1]
            _sort(rows[number], fixed, above if down else below)
        _swap(rows, start.links)
        if (count := crossings(rows, start.links)) < fewest:
            best, fewest = [list(row) for row in rows], count
    return Rows(best, start.links, start.courses)


def _sort(row: Row, fixed: Row, neighbours: Mapping[str, list[str]]) -> None:
    place = {name: at for at, name in enumerate(fixed)}
    mean = {
        name: sum(place[each] for each in neighbours[name]) / len(neighbours[name])
        for name in row
        if neighbours[name]
    }
    last = 0.0
    keys = {}
    for name in row:  # who has no neighbour stays beside who stood before it
        last = mean.get(name, last)
        keys[name] = last
    row.sort(key=keys.__getitem__)


def _swap(rows: list[Row], links: Sequence[tuple[str, str]]) -> None:
    """Exchange boxes that stand side by side while that leaves fewer crossings."""
    count = crossings(rows, links)
    better = True
    while better:
        better = False
        for row, at in _pairs(rows):
            row[at], row[at + 1] = row[at + 1], row[at]
            if (now := crossings(rows, links)) < count:
                count, better = now, True
            else:
                row[at], row[at + 1] = row[at + 1], row[at]


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, int]]:
    for row in rows:
        for at in range(len(row) - 1):
            yield row, at
