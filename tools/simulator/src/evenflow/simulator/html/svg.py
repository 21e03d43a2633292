"""From drawing functions to SVG that belongs into a page: theme-aware, the same bytes each time."""

import io
import re
from collections.abc import Callable
from typing import Any, Final

from evenflow.simulator.html.palette import AXIS, GRID, SOFT, SURFACE, themed

WIDE: Final = (10.2, 2.9)
HALF: Final = (5.0, 3.0)
_STYLE: Final[Any] = {
    "svg.fonttype": "none",  # text stays text: it is found, read aloud, and set in the page's font
    "svg.hashsalt": "evenflow",
    "text.parse_math": False,  # a user may be called a$b
    "font.family": "sans-serif",
    "font.size": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": AXIS.stand_in,
    "axes.labelcolor": SOFT.stand_in,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID.stand_in,
    "grid.linewidth": 0.7,
    "text.color": SOFT.stand_in,
    "xtick.color": SOFT.stand_in,
    "ytick.color": SOFT.stand_in,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "hatch.color": SURFACE.stand_in,
}
_PROLOGUE: Final = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_SIZE: Final = re.compile(r'(<svg[^>]*?) width="[^"]*pt"| height="[^"]*pt"')
_METADATA: Final = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_FONT: Final = re.compile(r"font: ([\d.]+)px [^;\"]*")
_IDS: Final = re.compile(r"""(id="|url\(#|href="#)([\w.-]+)""")

Draw = Callable[[Any], None]
"""Draws into a matplotlib figure."""


def svg(draw: Draw, size: tuple[float, float], name: str) -> str:
    """Return what is drawn; `name` makes its ids differ from those of other drawings of the page.

    Args:
        draw: is given an empty figure.
        size: in inches; the page stretches it to its column.
        name: unique in the page.
    """
    import matplotlib as mpl  # noqa: PLC0415 - half a second, only for reports
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return _for_page(text.getvalue(), name)


def _for_page(text: str, name: str) -> str:
    """Take out what only a file of its own needs, and let the page choose size and font."""
    text = _METADATA.sub("", _PROLOGUE.sub("", text))
    head, rest = text[: text.index(">")], text[text.index(">") :]
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    text = _FONT.sub(r"font-size: \1px", head + rest)
    return themed(_IDS.sub(rf"\g<1>{name}-\g<2>", text))
