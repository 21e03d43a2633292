"""Alerts that receivers are still to be told of, and how far each of them was."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import RowMapping, and_, or_, select

from evenflow.gateway.view.store import Store
from evenflow.gateway.view.upsert import upsert
from evenflow.gateway.view.usage_schema import alerts, webhook_cursors

_LAST_PLACE: Final = 2**31 - 1


class Place(NamedTuple):
    """Of an alert: the sequence of its fact, and where it stands in that."""

    sequence: int
    place: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The queue of all receivers is the view's table of alerts: bounded by its retention."""

    store: Store

    async def cursor(self, url_digest: str) -> Place:
        """Return how far a receiver was told; a new one is told of what comes from now on."""
        query = select(webhook_cursors).where(webhook_cursors.c.url_digest == url_digest)
        async with self.store.engine.connect() as connection:
            found = (await connection.execute(query)).mappings().first()
        here = self.store.cursor
        if (
            found is not None
            and found["log_id"] == here.log_id
            and found["sequence"] <= here.sequence  # else the log lost its end
        ):
            return Place(found["sequence"], found["place"])
        start = Place(here.sequence, _LAST_PLACE)
        await self.keep(url_digest, start)
        return start

    async def keep(self, url_digest: str, done: Place) -> None:
        """Keep how far a receiver was told."""
        row = {"url_digest": url_digest, "log_id": self.store.cursor.log_id, **done._asdict()}
        async with self.store.writing, self.store.engine.begin() as connection:
            await connection.execute(upsert(webhook_cursors, connection.dialect), [row])

    async def next_after(self, done: Place) -> RowMapping | None:
        """Return the next alert that was raised; those that fell back are told to nobody."""
        table = alerts.c
        beyond = or_(
            table.sequence > done.sequence,
            and_(table.sequence == done.sequence, table.place > done.place),
        )
        query = (
            select(alerts)
            .where(table.is_raised, beyond)
            .order_by(table.sequence, table.place)
            .limit(1)
        )
        async with self.store.engine.connect() as connection:
            return (await connection.execute(query)).mappings().first()
