"""Queues and quotas in the view: their rows, and how they are written anew."""

from collections.abc import Collection

from sqlalchemy import bindparam, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.view import schema
from evenflow.gateway.view.rows import Row, to_json


async def write_definitions(
    connection: AsyncConnection, state: ShardState, paths: Collection[str]
) -> None:
    """Write queues and quotas of these paths as they are now, within the caller's transaction."""
    keys = [{"key": path} for path in sorted(paths)]
    rows = {
        schema.queues: [queue_row(state.queues[p]) for p in paths if p in state.queues],
        schema.quotas: [quota_row(state.quotas[p]) for p in paths if p in state.quotas],
    }
    for table, new in rows.items():
        await connection.execute(delete(table).where(table.c.path == bindparam("key")), keys)
        if new:
            await connection.execute(table.insert(), new)


def queue_row(queue: Queue) -> Row:
    """Return a queue as a row."""
    return {
        "path": queue.path,
        "id": queue.id,
        "description": queue.description,
        "priority": queue.priority,
        "weight": queue.weight,
        "deserved_json": None if queue.deserved is None else to_json(queue.deserved),
        "limit_json": None if queue.limit is None else to_json(queue.limit),
        "max_concurrent_jobs": queue.max_concurrent_jobs,
        "enabled": queue.enabled,
        "policy": queue.policy,
        "target_wait_us": queue.target_wait_us,
        "created_at": queue.created_at,
        "updated_at": queue.updated_at,
    }


def quota_row(quota: Quota) -> Row:
    """Return a quota as a row."""
    return {
        "path": quota.path,
        "resources_json": to_json(quota.resources),
        "max_jobs": quota.max_jobs,
        "max_by_type_json": to_json(quota.max_by_type),
        "enforce": quota.enforce,
        "created_at": quota.created_at,
        "updated_at": quota.updated_at,
    }
