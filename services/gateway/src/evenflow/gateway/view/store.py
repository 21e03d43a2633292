"""The view's database: brought to the newest schema, written batch by batch with its cursor."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from sqlalchemy import Insert, Update, bindparam, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.view import schema
from evenflow.gateway.view.changes import Changes, Part
from evenflow.gateway.view.engine import FIELD, make_engine, shown
from evenflow.gateway.view.migrate import upgrade
from evenflow.gateway.view.reservations import drop_old_reservations
from evenflow.gateway.view.rows import Row, queue_row, quota_row, reservation_row
from evenflow.gateway.view.upsert import insert_into, upsert
from evenflow.gateway.view.usage.changes import UsageChanges
from evenflow.gateway.view.usage.store import FOLDED, newest_archived, write_usage
from evenflow.gateway.view.writer_lock import take_writer_lock

_BASE_SHARE: Final = (
    20  # a base may cost at most one part in twenty of the time between two of them
)


@dataclass(slots=True)
class Cursor:
    """How far the view is, and in which log."""

    log_id: str
    sequence: int


class Store:
    """Writes the view. One writer a database: the gateway that owns it."""

    def __init__(self, url: str, *, base_every_seconds: float, base_every_facts: int) -> None:
        """Nothing is opened before `open`.

        Args:
            url: an SQLAlchemy URL of an async driver.
            base_every_seconds: a base is taken when this time and this many facts have passed.
            base_every_facts: see above.
        """
        self.engine = make_engine(url)
        self.writing = asyncio.Lock()
        """Held by whoever writes: SQLite has one writer, and waiting here is cheaper than there."""
        self.changes = Changes(ShardState())
        self.usage = UsageChanges()
        self.cursor = Cursor("", 0)
        self.speed: int | None = None
        self._connection: AsyncConnection | None = None
        self._compiled: dict[
            tuple[Insert | Update, tuple[str, ...]], tuple[str, itemgetter[str]]
        ] = {}
        self._base_every_seconds = base_every_seconds
        self._base_every_facts = base_every_facts
        self._base_at = time.monotonic()
        self._base_seconds = 0.0
        self._base_sequence = 0

    async def open(self, log_id: str, last_sequence: int) -> str | None:
        """Bring the schema up to date and read the cursor.

        Returns:
            Why the view must be built anew; None when it goes on from its cursor.

        Raises:
            EvenflowError: another gateway writes this database, or it does not answer.
        """
        try:
            await take_writer_lock(await self._own_connection())
        except (OSError, DBAPIError) as error:
            where = shown(self.engine.url)
            raise EvenflowError(f"{FIELD} {where} cannot be opened: {error}") from error
        async with self.engine.begin() as connection:
            await connection.run_sync(upgrade)
            found = (await connection.execute(select(schema.meta))).mappings().first()
        if found is None:
            self.cursor = Cursor(log_id, 0)
            return None
        self.speed = found["speed"]
        self.usage.archived_at = await newest_archived(self.engine)
        self.cursor = Cursor(found["log_id"], found["sequence"])
        if self.cursor.log_id != log_id:
            return f"the view belongs to log {self.cursor.log_id}, this is log {log_id}"
        if self.cursor.sequence > last_sequence:
            return (
                f"the view is at sequence {self.cursor.sequence}, the log ends at {last_sequence}"
            )
        return None

    async def clear(self, log_id: str) -> None:
        """Forget everything that was folded."""
        async with self.writing, self.engine.begin() as connection:
            for table in (*_FOLDED, schema.idempotency):
                await connection.execute(delete(table))
        self.cursor = Cursor(log_id, 0)
        self.speed = None
        self.usage = UsageChanges()

    async def bases(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield the view's own base, if there is one at or before the cursor."""
        async with self.engine.connect() as connection:
            found = (await connection.execute(select(schema.bases))).mappings().first()
        if found is not None and found["sequence"] <= self.cursor.sequence:
            self._base_sequence = found["sequence"]
            yield found["sequence"], found["state"]

    async def start(self, state: ShardState) -> None:
        """Follow a loaded state; when it is ahead of the view, the view takes over all it knows."""
        self.changes.start(state)
        if state.sequence <= self.cursor.sequence:
            return
        self.cursor.sequence = state.sequence
        async with self.writing, self.engine.begin() as connection:
            # Jobs that ended in between left the state: what the view has of them stays as it is.
            live = schema.jobs.c.state.not_in([each.value for each in TERMINAL])
            await connection.execute(delete(schema.jobs).where(live))
            await connection.execute(delete(schema.queues))
            await connection.execute(delete(schema.quotas))
        self.changes.whole(state.jobs.values())
        self.changes.queues |= set(state.queues)
        kept = state.reservations
        self.changes.reservations |= {key: reservation_row(kept[key]) for key in kept}
        await self.write()

    def note(self, entry: Entry, outcome: Folded | Void) -> None:
        """Collect what an entry changed: the follower's `on_folded`."""
        is_known = entry.sequence <= self.cursor.sequence
        self.changes.note(entry, outcome, is_known=is_known)
        if not is_known and isinstance(outcome, Folded):
            self.usage.note(entry, outcome)

    async def write(self, *, with_base: bool = False) -> None:
        """Write what was collected and the cursor in one transaction: the follower's `on_batch`."""
        changes = self.changes
        sequence = max(changes.sequence, self.cursor.sequence)
        base = await self._base() if with_base or self._is_base_due() else None
        connection = await self._own_connection()
        async with self.writing, connection.begin():
            await self._write_jobs(connection, changes.take())
            if changes.queues:
                await self._write_definitions(connection, changes.queues)
                changes.queues = set()
            if changes.reservations:
                rows, changes.reservations = list(changes.reservations.values()), {}
                await connection.execute(upsert(schema.reservations, connection.dialect), rows)
            await write_usage(connection, self.usage)
            if base is not None:
                row = {"id": 1, "sequence": changes.state.sequence, "state": base}
                await connection.execute(upsert(schema.bases, connection.dialect), [row])
            meta = {
                "id": 1,
                "log_id": self.cursor.log_id,
                "sequence": sequence,
                "speed": self.speed,
            }
            await self._many(connection, upsert(schema.meta, connection.dialect), [meta])
        self.cursor.sequence = sequence

    async def remove(self, job_id: str) -> None:
        """Remove an ended job. The log still has it: a view built anew shows it again."""
        async with self.writing, self.engine.begin() as connection:
            await _remove(connection, [job_id])

    async def sweep(self, *, keep_seconds: float, keep_rows: int, now: Instant) -> int:
        """Remove some ended jobs that are too old or too many, a small step; return how many."""
        table = schema.jobs.c
        ended = table.state.in_([each.value for each in TERMINAL])
        oldest = now - round(keep_seconds * SECOND)
        by_age = select(table.id).where(ended, table.finished_at < oldest).limit(_SWEPT_AT_ONCE)
        by_count = (
            select(table.id)
            .where(ended)
            .order_by(table.id.desc())
            .offset(keep_rows)
            .limit(_SWEPT_AT_ONCE)
        )
        async with self.engine.connect() as connection:
            found = list((await connection.execute(by_age)).scalars())
            found = found or list((await connection.execute(by_count)).scalars())
        async with self.writing, self.engine.begin() as connection:
            if found:
                await _remove(connection, found)
            else:
                await drop_old_reservations(connection, oldest)
        return len(found)

    async def _own_connection(self) -> AsyncConnection:
        """Return the connection of batches: one from the pool costs a third of a small batch."""
        if self._connection is None:
            self._connection = await self.engine.connect()
        return self._connection

    async def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        await self.engine.dispose()

    def _is_base_due(self) -> bool:
        passed = time.monotonic() - self._base_at
        facts = self.changes.sequence - self._base_sequence
        is_wanted = facts > 0 and (
            passed >= self._base_every_seconds or facts >= self._base_every_facts
        )
        return is_wanted and passed >= self._base_seconds * _BASE_SHARE

    async def _base(self) -> bytes:
        began = time.monotonic()
        # The caller holds the state still; the thread only keeps the loop answering meanwhile.
        data = await asyncio.to_thread(checkpoint.dump, self.changes.state, self.cursor.log_id)
        self._base_at = time.monotonic()
        self._base_seconds = self._base_at - began
        self._base_sequence = self.changes.state.sequence
        return data

    async def _write_jobs(self, connection: AsyncConnection, groups: dict[Part, list[Row]]) -> None:
        changes = self.changes
        for part, rows in groups.items():
            if part is Part.WHOLE:
                await self._many(connection, upsert(schema.jobs, connection.dialect), rows)
            else:
                await self._many(connection, _UPDATE, rows)
        if changes.refused:
            insert = insert_into(schema.jobs, connection.dialect).on_conflict_do_nothing()
            await connection.execute(insert, changes.refused)
            changes.refused = []
        if changes.ended_attempts:
            await connection.execute(
                upsert(schema.attempts, connection.dialect), changes.ended_attempts
            )
            changes.ended_attempts = []

    async def _many(
        self, connection: AsyncConnection, statement: Insert | Update, rows: list[Row]
    ) -> None:
        """Run a statement for many rows of equal keys.

        Handed to the driver as it is: all columns of jobs hold what drivers take, and the work that
        is saved a row is more than the rest of writing it.
        """
        keys = tuple(rows[0])
        known = self._compiled.get((statement, keys))
        if known is None:
            compiled = statement.compile(dialect=connection.dialect, column_keys=list(keys))
            names = list(getattr(compiled, "positiontup", None) or ())
            known = self._compiled[statement, keys] = (str(compiled), itemgetter(*names))
        sql, values = known
        await connection.exec_driver_sql(sql, [values(row) for row in rows])

    async def _write_definitions(self, connection: AsyncConnection, paths: set[str]) -> None:
        state = self.changes.state
        keys = [{"key": path} for path in sorted(paths)]
        rows = {
            schema.queues: [queue_row(state.queues[p]) for p in paths if p in state.queues],
            schema.quotas: [quota_row(state.quotas[p]) for p in paths if p in state.quotas],
        }
        for table, new in rows.items():
            await connection.execute(delete(table).where(table.c.path == bindparam("key")), keys)
            if new:
                await connection.execute(table.insert(), new)


_FOLDED: Final = (
    schema.jobs,
    schema.attempts,
    schema.queues,
    schema.quotas,
    schema.reservations,
    schema.bases,
    schema.meta,
    *FOLDED,
)
_SWEPT_AT_ONCE: Final = 1000
_UPDATE: Final = update(schema.jobs).where(schema.jobs.c.id == bindparam("key"))


async def _remove(connection: AsyncConnection, job_ids: list[str]) -> None:
    keys = [{"key": job_id} for job_id in job_ids]
    for column in (schema.jobs.c.id, schema.attempts.c.job_id):
        await connection.execute(delete(column.table).where(column == bindparam("key")), keys)
