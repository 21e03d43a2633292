"""Keeps the table of jobs small: jobs that ended long ago go, and those beyond so many rows."""

from typing import Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.gateway.view import schema
from evenflow.gateway.view.database.engine import WritableView
from evenflow.gateway.view.reservations import drop_old_reservations

_AT_ONCE: Final = 1000


async def sweep_jobs(
    view: WritableView, *, keep_seconds: float, keep_rows: int, now: Instant
) -> int:
    """Remove some ended jobs that are too old or too many, a small step; return how many."""
    table = schema.jobs.c
    ended = table.state.in_([each.value for each in TERMINAL])
    oldest = now - round(keep_seconds * SECOND)
    by_age = select(table.id).where(ended, table.finished_at < oldest).limit(_AT_ONCE)
    by_count = (
        select(table.id).where(ended).order_by(table.id.desc()).offset(keep_rows).limit(_AT_ONCE)
    )
    async with view.engine.connect() as connection:
        found = list((await connection.execute(by_age)).scalars())
        found = found or list((await connection.execute(by_count)).scalars())
    async with view.writing, view.engine.begin() as connection:
        if found:
            await remove_jobs(connection, found)
        else:
            await drop_old_reservations(connection, oldest)
    return len(found)


async def remove_jobs(connection: AsyncConnection, job_ids: list[str]) -> None:
    """Remove jobs with their attempts, within the caller's transaction."""
    keys = [{"key": job_id} for job_id in job_ids]
    for column in (schema.jobs.c.id, schema.attempts.c.job_id):
        await connection.execute(delete(column.table).where(column == bindparam("key")), keys)
