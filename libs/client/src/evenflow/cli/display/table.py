"""Tables that fit: columns that matter least go first, then the widest texts are cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.table import Table
from rich.text import Text

from evenflow.cli.display.console import out

_GAP: Final = 2

Cell = str | Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The highest `rank` is left out first where room is short; 0 always stays."""

    title: str
    rank: int = 0
    align: Literal["left", "right"] = "left"
    can_shrink: bool = False  # long texts may be cut
    least: int = 12  # cells that a text keeps when it is cut


def make_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, width: int | None = None
) -> Table:
    """Return a table no wider than `width` (None: the terminal), as far as columns can go."""
    room = width if width is not None else out().width
    kept = _fitting(columns, rows, room)
    widths = _widths(columns, rows, kept, room)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index in kept:
        table.add_column(
            columns[index].title, justify=columns[index].align, no_wrap=True, width=widths[index]
        )
    for row in rows:
        table.add_row(*(_cut(row[index], widths[index]) for index in kept))
    return table


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], kept: Sequence[int], room: int
) -> dict[int, int]:
    """Return the widths of the columns kept: long texts give way, the widest first."""
    widths = {index: _width(columns, rows, index) for index in kept}
    excess = sum(widths.values()) + _GAP * (len(kept) - 1) - room
    while excess > 0:
        shrinkable = [i for i in kept if columns[i].can_shrink and widths[i] > columns[i].least]
        if not shrinkable:
            break
        widest = max(shrinkable, key=lambda i: widths[i])
        others = [widths[i] for i in shrinkable if i != widest]
        step = max(1, min(excess, widths[widest] - max(columns[widest].least, *others, 0)))
        widths[widest] -= step
        excess -= step
    return widths


def _cut(cell: Cell, width: int) -> Text:
    text = _text(cell).copy()
    text.truncate(width, overflow="ellipsis")
    return text


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table as a result."""
    out().print(make_table(columns, rows))


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], room: int) -> list[int]:
    widths = [_least(columns, rows, index) for index in range(len(columns))]
    kept = list(range(len(columns)))
    while sum(widths[i] + _GAP for i in kept) - _GAP > room:
        droppable = [i for i in kept if columns[i].rank]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda i: (columns[i].rank, i)))
    return kept


def _least(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], index: int) -> int:
    width = _width(columns, rows, index)
    return min(width, columns[index].least) if columns[index].can_shrink else width


def _width(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], index: int) -> int:
    cells = (_text(row[index]).cell_len for row in rows)
    return max(len(columns[index].title), max(cells, default=0))


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
