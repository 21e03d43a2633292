"""The arrows of a map: from the bottom of a box, past the rows between, to the top of another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tools.docs.rooms.boxes import PADDING
from tools.docs.rooms.order import Rows

_PORT: Final = 14
"""Between two arrows that leave or meet a box."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a box or a joint stands in the picture."""

    middle: int
    top: int
    bottom: int
    width: int

    @property
    def is_joint(self) -> bool:
        """Whether nothing but an arrow is here."""
        return not self.width

    def has_edge_at(self, x: int) -> bool:
        """Whether an arrow may leave or meet the box at `x`."""
        return abs(x - self.middle) <= self.width / 2 - PADDING


@dataclass(frozen=True, slots=True)
class Curves:
    """Draws the arrows between spots."""

    rows: Rows
    spots: Mapping[str, Spot]
    above: Mapping[str, list[str]]
    below: Mapping[str, list[str]]

    def drawn(self) -> Iterator[str]:
        """Yield the lines of the picture, one an arrow."""
        for course in self.rows.courses.values():
            path = "".join(self._step(upper, lower) for upper, lower in pairwise(course))
            yield f'  <path class="arrow" marker-end="url(#tip)" d="{path}"/>'

    def _step(self, upper: str, lower: str) -> str:
        one, other = self.spots[upper], self.spots[lower]
        x, to_x = self._ends(upper, lower)
        half = (one.bottom + other.top) // 2
        start = f"V{one.bottom}" if one.is_joint else f"M{x} {one.bottom}"
        if x == to_x:
            return f"{start}V{other.top}"
        return f"{start}C{x} {half} {to_x} {half} {to_x} {other.top}"

    def _ends(self, upper: str, lower: str) -> tuple[int, int]:
        """Return where a link begins and ends; one that is alone on its box goes straight."""
        x = self._port(upper, lower, self.below)
        to_x = self._port(lower, upper, self.above)
        if len(self.below[upper]) == 1 and self.spots[upper].has_edge_at(to_x):
            return to_x, to_x
        if len(self.above[lower]) == 1 and self.spots[lower].has_edge_at(x):
            return x, x
        return x, to_x

    def _port(self, name: str, other: str, side: Mapping[str, list[str]]) -> int:
        """Return where on its box a link stands: in the order of where they lead."""
        spot = self.spots[name]
        if spot.is_joint:
            return spot.middle
        order = sorted(side[name], key=lambda each: (self.spots[each].middle, each))
        step = min(_PORT, (spot.width - PADDING) / len(order))
        return round(spot.middle + (order.index(other) - (len(order) - 1) / 2) * step)
