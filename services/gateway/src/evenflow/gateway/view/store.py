"""The view's database: brought to the newest schema, written batch by batch with its cursor."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.view import schema
from evenflow.gateway.view.base import BaseSchedule
from evenflow.gateway.view.changes import Changes, ColumnGroup
from evenflow.gateway.view.database.engine import FIELD, make_engine, shown_url
from evenflow.gateway.view.database.statements import CompiledStatements
from evenflow.gateway.view.database.upsert import insert_into, upsert
from evenflow.gateway.view.database.writer_lock import take_writer_lock
from evenflow.gateway.view.definitions import write_definitions
from evenflow.gateway.view.migrate import upgrade
from evenflow.gateway.view.reservations import reservation_row
from evenflow.gateway.view.rows import Row
from evenflow.gateway.view.sweep import remove_jobs
from evenflow.gateway.view.usage.changes import UsageChanges
from evenflow.gateway.view.usage.store import FOLDED, newest_archived, write_usage


@dataclass(slots=True)
class Cursor:
    """How far the view is, and in which log."""

    log_id: str
    sequence: int
    last_event: tuple[int, str] = (0, "")
    """Of the last fact that was folded: sequence and event id; (0, ""): it is not known."""
    last_loss: int = 0
    """Where the newest loss of the log was told of that is folded here."""


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
        self.is_ahead = False
        """Whether `open` found a view of this log that has folded more than the log holds."""
        self.speed: int | None = None
        self._connection: AsyncConnection | None = None
        self._statements = CompiledStatements()
        self._bases = BaseSchedule(base_every_seconds, base_every_facts)

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
            where = shown_url(self.engine.url)
            raise EvenflowError(f"{FIELD} {where} cannot be opened: {error}") from error
        async with self.engine.begin() as connection:
            await connection.run_sync(upgrade)
            found = (await connection.execute(select(schema.meta))).mappings().first()
        if found is None:
            self.cursor = Cursor(log_id, 0)
            return None
        self.speed = found["speed"]
        self.usage.archived_at = await newest_archived(self.engine)
        self.cursor = Cursor(
            found["log_id"],
            found["sequence"],
            (found["last_event_at"] or 0, found["last_event_id"] or ""),
            found["last_loss"] or 0,
        )
        if self.cursor.log_id != log_id:
            return f"the view belongs to log {self.cursor.log_id}, this is log {log_id}"
        self.is_ahead = self.cursor.sequence > last_sequence
        if self.is_ahead:
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
            self._bases.sequence = found["sequence"]
            yield found["sequence"], found["state"]

    async def start(self, state: ShardState) -> None:
        """Follow a loaded state; when it is ahead of the view, the view takes over all it knows."""
        self.changes.start(state)
        self.usage.begin(state.usage_facts)
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

    def position(self) -> int | None:
        """Return up to where the view needs the log no more."""
        return self.cursor.sequence

    def note(self, entry: Entry, outcome: Folded | Void) -> None:
        """Collect what an entry changed: the follower's `on_folded`."""
        is_known = entry.sequence <= self.cursor.sequence
        self.changes.note(entry, outcome, is_known=is_known)
        if is_known:
            self.usage.remember(entry)
        elif isinstance(outcome, Folded):
            self.usage.note(entry, outcome)

    async def write(self, *, with_base: bool = False) -> None:
        """Write what was collected and the cursor in one transaction: the follower's `on_batch`."""
        changes = self.changes
        sequence = max(changes.sequence, self.cursor.sequence)
        base = None
        if with_base or self._bases.is_due(changes.sequence):
            base = await self._bases.take(changes.state, self.cursor.log_id)
        connection = await self._own_connection()
        async with self.writing, connection.begin():
            await self._write_jobs(connection, changes.take())
            if changes.queues:
                await write_definitions(connection, changes.state, changes.queues)
                changes.queues = set()
            if changes.reservations:
                rows, changes.reservations = list(changes.reservations.values()), {}
                await connection.execute(upsert(schema.reservations, connection.dialect), rows)
            await write_usage(connection, self.usage)
            if base is not None:
                row = {"id": 1, "sequence": changes.state.sequence, "state": base}
                await connection.execute(upsert(schema.bases, connection.dialect), [row])
            cursor = replace(self.cursor, sequence=sequence)
            if changes.state.sequence >= sequence:  # else it folds what the view knows already
                cursor.last_event = changes.state.last_event
                cursor.last_loss = changes.state.last_loss
            meta = {
                "id": 1,
                "log_id": cursor.log_id,
                "sequence": sequence,
                "speed": self.speed,
                "last_event_at": cursor.last_event[0],
                "last_event_id": cursor.last_event[1],
                "last_loss": cursor.last_loss,
            }
            await self._statements.run(connection, upsert(schema.meta, connection.dialect), [meta])
        self.cursor = cursor

    async def remove(self, job_id: str) -> None:
        """Remove an ended job. The log still has it: a view built anew shows it again."""
        async with self.writing, self.engine.begin() as connection:
            await remove_jobs(connection, [job_id])

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

    async def _write_jobs(
        self, connection: AsyncConnection, groups: dict[ColumnGroup, list[Row]]
    ) -> None:
        changes = self.changes
        for part, rows in groups.items():
            if part is ColumnGroup.WHOLE:
                await self._statements.run(
                    connection, upsert(schema.jobs, connection.dialect), rows
                )
            else:
                await self._statements.run(connection, _UPDATE, rows)
        if changes.refused:
            insert = insert_into(schema.jobs, connection.dialect).on_conflict_do_nothing()
            await connection.execute(insert, changes.refused)
            changes.refused = []
        if changes.ended_attempts:
            await connection.execute(
                upsert(schema.attempts, connection.dialect), changes.ended_attempts
            )
            changes.ended_attempts = []


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
_UPDATE: Final = update(schema.jobs).where(schema.jobs.c.id == bindparam("key"))
