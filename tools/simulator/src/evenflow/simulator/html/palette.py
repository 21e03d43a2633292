"""Colours by what they mean, each with a light and a dark form.

Plots are drawn in stand-in colours, which become CSS variables: the same drawing serves both. The
order of the series is one in which neighbours differ for colour-blind readers too.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour: its CSS variable, what it is drawn with, and how it looks."""

    name: str
    stand_in: str
    light: str
    dark: str


SURFACE: Final = Colour("surface", "#fe0001", "#fcfcfb", "#1a1a19")
INK: Final = Colour("ink", "#fe0002", "#0b0b0b", "#f6f5f1")
SOFT: Final = Colour("soft", "#fe0003", "#52514e", "#c3c2b7")
FAINT: Final = Colour("faint", "#fe0004", "#898781", "#898781")
GRID: Final = Colour("grid", "#fe0005", "#e6e5df", "#2c2c2a")
AXIS: Final = Colour("axis", "#fe0006", "#c3c2b7", "#4a4945")
LESS: Final = Colour("less", "#fe0007", "#2a78d6", "#3987e5")
MORE: Final = Colour("more", "#fe0008", "#e34948", "#e66767")
_SERIES: Final = (
    ("#2a78d6", "#3987e5"),
    ("#eb6834", "#d95926"),
    ("#1baf7a", "#199e70"),
    ("#4a3aa7", "#9085e9"),
    ("#eda100", "#c98500"),
    ("#e87ba4", "#d55181"),
    ("#008300", "#2f9e3f"),
    ("#e34948", "#e66767"),
)
SERIES: Final = tuple(
    Colour(f"s{index}", f"#fe01{index:02x}", light, dark)
    for index, (light, dark) in enumerate(_SERIES)
)
COLOURS: Final = (SURFACE, INK, SOFT, FAINT, GRID, AXIS, LESS, MORE, *SERIES)
_STAND_IN: Final = re.compile(r"#fe0[01][0-9a-f]{2}")
_BY_STAND_IN: Final = {colour.stand_in: colour for colour in COLOURS}


def series(index: int) -> Colour:
    """Return the colour of a series; from the ninth on they come again."""
    return SERIES[index % len(SERIES)]


def themed(svg: str) -> str:
    """Return a drawing with CSS variables in place of the stand-ins."""
    return _STAND_IN.sub(lambda found: f"var(--{_BY_STAND_IN[found[0]].name})", svg)


def variables(*, is_dark: bool) -> str:
    """Return the CSS that gives every variable its colour."""
    return " ".join(f"--{each.name}: {each.dark if is_dark else each.light};" for each in COLOURS)
