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


def make_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, width: int | None = None
) -> Table:
    """Return a table no wider than `width` (None: the terminal), as far as columns can go."""
    room = width if width is not None else out().width
    kept = _fitting(columns, rows, room)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index in kept:
        column = columns[index]
        table.add_column(
            column.title,
            justify=column.align,
            no_wrap=True,
            overflow="ellipsis",
            min_width=min(8, _width(columns, rows, index)) if column.can_shrink else None,
        )
    for row in rows:
        table.add_row(*(_text(row[index]) for index in kept))
    return table


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
    return min(width, 12) if columns[index].can_shrink else width


def _width(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], index: int) -> int:
    cells = (_text(row[index]).cell_len for row in rows)
    return max(len(columns[index].title), max(cells, default=0))


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
