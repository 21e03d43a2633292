"""Statements for many rows, compiled once and handed to the driver as they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import Insert, Update
from sqlalchemy.ext.asyncio import AsyncConnection

Row = dict[str, Any]


@dataclass(slots=True)
class CompiledStatements:
    """Those that were run before, by the columns that they were given."""

    _known: dict[tuple[Insert | Update, tuple[str, ...]], tuple[str, Callable[[Row], Any]]] = field(
        default_factory=dict
    )

    async def run(
        self, connection: AsyncConnection, statement: Insert | Update, rows: list[Row]
    ) -> None:
        """Run a statement for many rows of equal keys.

        Handed to the driver as it is: all columns of jobs hold what drivers take, and the work that
        is saved a row is more than the rest of writing it.
        """
        keys = tuple(rows[0])
        known = self._known.get((statement, keys))
        if known is None:
            compiled = statement.compile(dialect=connection.dialect, column_keys=list(keys))
            names = list(getattr(compiled, "positiontup", None) or ())
            known = self._known[statement, keys] = (str(compiled), itemgetter(*names))
        sql, values = known
        await connection.exec_driver_sql(sql, [values(row) for row in rows])
