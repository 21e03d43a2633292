"""Alerts that receivers are still to be told of, and how far each of them was."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from sqlalchemy import RowMapping

from evenflow.gateway.view.alerts import next_raised
from evenflow.gateway.view.store import Store

_LAST_PLACE: Final = 2**31 - 1


class AlertPosition(NamedTuple):
    """Of an alert: the sequence of its fact, and where it stands in that."""

    sequence: int
    place: int


class DeliveryCursors(Protocol):
    """How far receivers were told, by what names them: of all gateways that ever told them."""

    async def get(self, receiver: str) -> tuple[str, AlertPosition] | None:
        """Return the log that a receiver was told of, and how far; None: nobody told it yet."""

    async def put(self, receiver: str, log_id: str, done: AlertPosition) -> None:
        """Keep how far a receiver was told."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The queue of all receivers is the view's table of alerts: bounded by its retention."""

    store: Store
    cursors: DeliveryCursors

    @property
    def position(self) -> AlertPosition:
        """How far the view is: all alerts up to there can be found in it."""
        return AlertPosition(self.store.cursor.sequence, _LAST_PLACE)

    async def cursor(self, receiver: str) -> AlertPosition:
        """Return how far a receiver was told; a new one is told of what comes from now on.

        The view must have caught up with the log.

        Raises:
            TemporarilyUnavailable: the cursors cannot be read now, or written.
        """
        found, here = await self.cursors.get(receiver), self.store.cursor
        if found is not None:
            log_id, done = found
            if log_id == here.log_id and done.sequence <= here.sequence:  # else it lost its end
                return done
        start = self.position
        await self.keep(receiver, start)
        return start

    async def keep(self, receiver: str, done: AlertPosition) -> None:
        """Keep how far a receiver was told.

        Raises:
            TemporarilyUnavailable: it is not kept.
        """
        await self.cursors.put(receiver, self.store.cursor.log_id, done)

    async def next_after(self, done: AlertPosition) -> RowMapping | None:
        """Return the next alert that was raised; those that fell back are told to nobody."""
        return await next_raised(self.store.engine, done.sequence, done.place)
