"""Keeps the tables of usage and alerts small: hours become days, what is too old goes."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evenflow.common.domain.clock import DAY, SECOND, Instant
from evenflow.common.runtime.settings import HistorySettings
from evenflow.gateway.view.alerts import alerts
from evenflow.gateway.view.database.engine import WritableView
from evenflow.gateway.view.database.upsert import addition
from evenflow.gateway.view.usage.schema import usage_archive, usage_snapshots, usage_spans

_STEP: Final = 500  # snapshots that one step thins
_TIMES: Final[tuple[ColumnElement[int], ...]] = (
    usage_spans.c.start_at,
    usage_archive.c.generated_at,
    usage_snapshots.c.generated_at,
    alerts.c.occurred_at,
)


async def sweep_usage(view: WritableView, history: HistorySettings, now: Instant) -> bool:
    """Take one small step; return whether there was anything to do."""
    oldest = now - round(history.keep.total_seconds() * SECOND)
    coarse = (now - round(history.keep_hours.total_seconds() * SECOND)) // DAY * DAY
    async with view.engine.connect() as connection:
        limits = [
            max(oldest, await _beyond(connection, column, history.keep_rows)) for column in _TIMES
        ]
        day = await _hours_to_merge(connection, coarse)
        surplus = await _snapshots_to_drop(connection, coarse)
    async with view.writing, view.engine.begin() as connection:
        gone = 0
        for column, limit in zip(_TIMES, limits, strict=True):
            done = await connection.execute(delete(_table_of(column)).where(column < limit))
            gone += done.rowcount
        if day is not None:
            await _merge_hours(connection, day)
        if surplus:
            for column in (usage_archive.c.generated_at, usage_snapshots.c.generated_at):
                dropped = delete(_table_of(column)).where(column.in_(surplus))
                await connection.execute(dropped)
    return bool(gone) or day is not None or bool(surplus)


async def _beyond(connection: AsyncConnection, column: ColumnElement[int], most: int) -> Instant:
    """Return the instant before which rows are too many; 0 when none are."""
    first_too_many = select(column).order_by(column.desc()).offset(most).limit(1)
    found: int | None = (await connection.execute(first_too_many)).scalar()
    return 0 if found is None else found + 1


async def _hours_to_merge(connection: AsyncConnection, before: Instant) -> Instant | None:
    """Return the oldest UTC day before an instant that is still known hour by hour."""
    table = usage_spans.c
    hours = select(func.min(table.start_at)).where(table.width_us < DAY, table.start_at < before)
    first: int | None = (await connection.execute(hours)).scalar()
    return None if first is None else first // DAY * DAY


async def _merge_hours(connection: AsyncConnection, day: Instant) -> None:
    table = usage_spans.c
    of_day = (table.width_us < DAY, table.start_at >= day, table.start_at < day + DAY)
    keys = (table.queue, table.user, table.resource, table.project)
    total = func.sum(table.seconds).label("seconds")
    rows = (
        (await connection.execute(select(*keys, total).where(*of_day).group_by(*keys)))
        .mappings()
        .all()
    )
    await connection.execute(delete(usage_spans).where(*of_day))
    if rows:
        await connection.execute(
            addition(usage_spans, "seconds", connection.dialect),
            [{**row, "start_at": day, "width_us": DAY} for row in rows],
        )


async def _snapshots_to_drop(connection: AsyncConnection, before: Instant) -> Sequence[Instant]:
    """Return some of the snapshots before an instant that are not the first one of their day."""
    table = usage_snapshots.c
    firsts = (
        select(func.min(table.generated_at))
        .where(table.generated_at < before, table.is_archived)
        .group_by(table.generated_at // DAY)
    )
    surplus = (
        select(table.generated_at)
        .where(table.generated_at < before, table.generated_at.not_in(firsts))
        .distinct()
        .limit(_STEP)
    )
    return (await connection.execute(surplus)).scalars().all()


def _table_of(column: Any) -> Any:
    return column.table
