"""Writes the tables of usage and alerts."""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from evenflow.common.domain.clock import Instant
from evenflow.gateway.view.alerts import alerts
from evenflow.gateway.view.database.upsert import addition, upsert
from evenflow.gateway.view.usage.changes import UsageChanges
from evenflow.gateway.view.usage.schema import usage_archive, usage_snapshots, usage_spans

FOLDED: Final = (usage_spans, usage_snapshots, usage_archive, alerts)


async def newest_archived(engine: AsyncEngine) -> Instant | None:
    """Return when the newest snapshot was made whose numbers are kept; None: there is none."""
    newest = select(func.max(usage_snapshots.c.generated_at)).where(usage_snapshots.c.is_archived)
    async with engine.connect() as connection:
        found: Instant | None = (await connection.execute(newest)).scalar()
    return found


async def write_usage(connection: AsyncConnection, changes: UsageChanges) -> None:
    """Write what was collected, within the caller's transaction."""
    dialect = connection.dialect
    if spans := changes.take_spans():
        await connection.execute(addition(usage_spans, "seconds", dialect), spans)
    snapshots, numbers = changes.take_snapshots()
    if snapshots:
        await connection.execute(upsert(usage_snapshots, dialect), snapshots)
    if numbers:
        await connection.execute(upsert(usage_archive, dialect), numbers)
    if rows := changes.take_alerts():
        await connection.execute(upsert(alerts, dialect), rows)
