"""Quota alerts in the view: their table, their rows, and questions about them."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    RowMapping,
    String,
    Table,
    and_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.fold.folded import Folded
from evenflow.gateway.view.database.paths import at_or_below, below_projects
from evenflow.gateway.view.rows import Row
from evenflow.gateway.view.schema import metadata

alerts: Final = Table(
    "alerts",
    metadata,
    Column("sequence", BigInteger, primary_key=True),  # of the fact
    Column("place", Integer, primary_key=True),  # in its list
    Column("event_id", String(64), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("path", String(2100), nullable=False),
    Column("limit_name", String(255), nullable=False),
    Column("level", Integer, nullable=False),
    Column("is_raised", Boolean, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("limit", BigInteger, nullable=False),
    Column("period_start", BigInteger),
)


def rows_of(entry: Entry, fact: quotas.Alerted, outcome: Folded) -> list[Row]:
    """Return the rows of the alerts that an entry told."""
    return [
        {
            "sequence": entry.sequence,
            "place": place,
            "event_id": entry.event_id,
            "occurred_at": entry.occurred_at,
            "path": fact.alerts[place].path,
            "limit_name": fact.alerts[place].limit_name,
            "level": fact.alerts[place].level,
            "is_raised": fact.alerts[place].is_raised,
            "used": fact.alerts[place].used,
            "limit": fact.alerts[place].limit,
            "period_start": fact.alerts[place].period_start,
        }
        for place in outcome.alerts
    ]


async def newest_alerts(
    engine: AsyncEngine, path: str | None, limit: int, projects: frozenset[str] | None = None
) -> Sequence[RowMapping]:
    """Return the alerts told last, newest first; with a path those of that queue and below it."""
    table = alerts.c
    query = select(alerts).order_by(table.sequence.desc(), table.place.desc()).limit(limit)
    query = query.where(*below_projects(table.path, projects))
    if path is not None:
        query = query.where(at_or_below(table.path, path))
    async with engine.connect() as connection:
        return (await connection.execute(query)).mappings().all()


async def next_raised(engine: AsyncEngine, sequence: int, place: int) -> RowMapping | None:
    """Return the first alert beyond that place of that fact; not those that fell back."""
    table = alerts.c
    beyond = or_(
        table.sequence > sequence,
        and_(table.sequence == sequence, table.place > place),
    )
    query = (
        select(alerts).where(table.is_raised, beyond).order_by(table.sequence, table.place).limit(1)
    )
    async with engine.connect() as connection:
        return (await connection.execute(query)).mappings().first()
