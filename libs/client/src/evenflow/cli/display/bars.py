"""Bars of blocks: a number beside others of its column. Pure."""

from typing import Final

from rich.text import Text

WIDTH: Final = 20
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def bar(value: float, most: float, *, width: int = WIDTH, style: str = "cyan") -> Text:
    """Return a bar that is full at `most`; what is not nothing is seen."""
    if most <= 0 or value <= 0:
        return Text("")
    eighths = max(1, round(8 * width * min(1.0, value / most)))
    whole, rest = divmod(eighths, 8)
    return Text("█" * whole + (_EIGHTHS[rest] if rest else ""), style=style)
