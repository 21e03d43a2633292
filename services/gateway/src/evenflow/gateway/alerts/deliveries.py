"""Alerts that receivers are still to be told of, and how far each of them was."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from sqlalchemy import RowMapping, and_, or_, select

from evenflow.gateway.view.store import Store
from evenflow.gateway.view.usage.schema import alerts

_LAST_PLACE: Final = 2**31 - 1


class Place(NamedTuple):
    """Of an alert: the sequence of its fact, and where it stands in that."""

    sequence: int
    place: int


class Book(Protocol):
    """How far receivers were told, by what names them: of all gateways that ever told them."""

    async def get(self, receiver: str) -> tuple[str, Place] | None:
        """Return the log that a receiver was told of, and how far; None: nobody told it yet."""

    async def put(self, receiver: str, log_id: str, done: Place) -> None:
        """Keep how far a receiver was told."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The queue of all receivers is the view's table of alerts: bounded by its retention."""

    store: Store
    book: Book

    async def cursor(self, receiver: str) -> Place:
        """Return how far a receiver was told; a new one is told of what comes from now on.

        The view must have caught up with the log.

        Raises:
            TemporarilyUnavailable: the book cannot be read now, or written.
        """
        found, here = await self.book.get(receiver), self.store.cursor
        if found is not None:
            log_id, done = found
            if log_id == here.log_id and done.sequence <= here.sequence:  # else it lost its end
                return done
        start = Place(here.sequence, _LAST_PLACE)
        await self.keep(receiver, start)
        return start

    async def keep(self, receiver: str, done: Place) -> None:
        """Keep how far a receiver was told.

        Raises:
            TemporarilyUnavailable: it is not kept.
        """
        await self.book.put(receiver, self.store.cursor.log_id, done)

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
