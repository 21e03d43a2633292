"""One gateway writes a database: two would add the same usage twice."""

import asyncio
import time
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from evenflow.common.domain.errors import EvenflowError
from evenflow.gateway.view.database.engine import FIELD, shown_url

_WAIT_SECONDS: Final = 10.0
"""A server takes a moment to notice that a killed gateway's connection is gone."""
_STEP_SECONDS: Final = 0.1
# By schema: gateways whose roles have different search paths may share a database.
_TRY: Final = text("SELECT pg_try_advisory_lock(1163284037, hashtext(current_schema()))")


async def take_writer_lock(
    connection: AsyncConnection, *, wait_seconds: float = _WAIT_SECONDS
) -> None:
    """Become the one who writes this database, for as long as the connection stands.

    On SQLite the data directory says whose the file is, and no lock is taken.

    Raises:
        EvenflowError: another gateway writes it.
    """
    if connection.dialect.name != "postgresql":
        return
    deadline = time.monotonic() + wait_seconds
    while True:
        is_mine = (await connection.execute(_TRY)).scalar_one()
        await connection.commit()
        if is_mine:
            return
        if time.monotonic() >= deadline:
            raise EvenflowError(
                f"{FIELD} {shown_url(connection.engine.url)} is written by another gateway: "
                "give each gateway a database of its own"
            )
        await asyncio.sleep(_STEP_SECONDS)
