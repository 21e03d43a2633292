"""A box of a map: the name of a room, and in small what is inside it."""

from collections.abc import Iterator, Sequence
from html import escape
from textwrap import wrap
from typing import Final

from tools.docs.rooms.plan import Room

PADDING: Final = 12
_CHAR: Final = 7.9
"""The width of a character of 13 px in fonts whose characters are all as wide."""
_SMALL_CHAR: Final = 6.7
_LINE: Final = 16
_INSIDE: Final = 14
"""Characters of what is inside that stand in a line, at least."""
_TANGLED: Final = "import each other"


def box(rooms: Sequence[Room], middle: int, top: int) -> Iterator[str]:
    """Yield the lines of the picture that draw the box."""
    width, height = width_of(rooms), height_of(rooms)
    kind = "circle" if len(rooms) > 1 else "room" if rooms[0].is_package else "module"
    yield (
        f'  <rect class="{kind}" x="{middle - width // 2}" y="{top}" width="{width}" '
        f'height="{height}" rx="5"/>'
    )
    for number, (text, is_small) in enumerate(_lines(rooms)):
        style = ' class="inside"' if is_small else ""
        line = top + PADDING // 2 + number * _LINE + 13
        yield f'  <text{style} x="{middle}" y="{line}">{escape(text)}</text>'


def width_of(rooms: Sequence[Room]) -> int:
    """Return how wide the box is: even, so that it has a middle."""
    longest = max(len(room.label) for room in rooms) * _CHAR
    small = max((_INSIDE for room in rooms if room.inside), default=0)
    if len(rooms) > 1:
        small = len(_TANGLED)
    return round(max(longest, small * _SMALL_CHAR) / 2) * 2 + 2 * PADDING


def height_of(rooms: Sequence[Room]) -> int:
    """Return how high the box is."""
    return sum(1 for _ in _lines(rooms)) * _LINE + PADDING


def _lines(rooms: Sequence[Room]) -> Iterator[tuple[str, bool]]:
    """Yield the texts, and whether each is small."""
    characters = int((width_of(rooms) - PADDING) / _SMALL_CHAR)
    for room in rooms:
        yield room.label, False
        for line in wrap(", ".join(room.inside), characters, break_on_hyphens=False):
            yield line, True
    if len(rooms) > 1:
        yield _TANGLED, True
