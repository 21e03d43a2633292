"""Reservations in the view: those to come, those that hold, and what became of the others."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import reservations as facts
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.gateway.view import schema
from evenflow.gateway.view.database.paths import at_or_below, below_projects
from evenflow.gateway.view.rows import Row, constraints_json, to_json

STATUSES: Final = ("planned", "active", "ended", "cancelled")
_table: Final = schema.reservations.c
_MOST: Final = 1_000  # in one list


def rows_of(entry: Entry, outcome: Folded) -> dict[str, Row]:
    """Return the rows of the reservations that an entry defined or cancelled, by id."""
    if isinstance(entry.fact, facts.Cancelled):
        by = {each.reservation_id: each.user for each in entry.fact.cancellations}
        return {
            key: reservation_row(each, entry.occurred_at, by.get(key))
            for key, each in outcome.reservations.items()
        }
    return {key: reservation_row(each) for key, each in outcome.reservations.items()}


def reservation_row(
    reservation: Reservation, cancelled_at: Instant | None = None, cancelled_by: str | None = None
) -> Row:
    """Return a reservation as a row, cancelled or not."""
    return {
        "id": reservation.id,
        "name": reservation.name,
        "queue": reservation.queue,
        "start_at": reservation.start_at,
        "end_at": reservation.end_at,
        "tasks": reservation.tasks,
        "resources_json": to_json(reservation.resources),
        "executor": reservation.executor,
        "constraints_json": constraints_json(reservation.constraints),
        "created_by": reservation.created_by,
        "created_at": reservation.created_at,
        "cancelled_at": cancelled_at,
        "cancelled_by": cancelled_by,
    }


def status_of(row: RowMapping | Row, now: Instant) -> str:
    """Return where a reservation is in its life, of `STATUSES`."""
    if row["cancelled_at"] is not None:
        return "cancelled"
    if row["end_at"] <= now:
        return "ended"
    return "active" if row["start_at"] <= now else "planned"


async def find_reservations(
    engine: AsyncEngine,
    now: Instant,
    *,
    statuses: Sequence[str],
    path: str | None = None,
    projects: frozenset[str] | None = None,
) -> Sequence[RowMapping]:
    """Return reservations by their start; with a path those of that queue and queues below."""
    conditions: list[ColumnElement[bool]] = [or_(*(_is(status, now) for status in statuses))]
    conditions += below_projects(_table.queue, projects)
    if path is not None:
        conditions.append(at_or_below(_table.queue, path))
    query = (
        select(schema.reservations)
        .where(*conditions)
        .order_by(_table.start_at, _table.id)
        .limit(_MOST)
    )
    async with engine.connect() as connection:
        return (await connection.execute(query)).mappings().all()


async def find_reservation(engine: AsyncEngine, key: str) -> RowMapping | None:
    """Return a reservation by its id."""
    query = select(schema.reservations).where(_table.id == key)
    async with engine.connect() as connection:
        return (await connection.execute(query)).mappings().first()


async def drop_old_reservations(connection: AsyncConnection, oldest: Instant) -> None:
    """Forget what ended, or was cancelled, before an instant."""
    old: Any = or_(_table.end_at < oldest, _table.cancelled_at < oldest)
    await connection.execute(delete(schema.reservations).where(old))


def _is(status: str, now: Instant) -> ColumnElement[bool]:
    stands = _table.cancelled_at.is_(None)
    match status:
        case "planned":
            return and_(stands, _table.start_at > now, _table.end_at > now)
        case "active":
            return and_(stands, _table.start_at <= now, _table.end_at > now)
        case "ended":
            return and_(stands, _table.end_at <= now)
        case _:
            return _table.cancelled_at.is_not(None)
