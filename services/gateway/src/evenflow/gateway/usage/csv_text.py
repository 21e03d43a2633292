"""Tables as CSV (RFC 4180). Pure."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any


def to_csv(head: Sequence[str], rows: Iterator[list[Any]]) -> str:
    """Return a table as CSV; texts that a spreadsheet would take for formulas are marked so."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue()


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@"} else cell
