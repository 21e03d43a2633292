"""Reservations in both SDKs: room kept in advance for the jobs of a queue."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from evenflow.client.models.jobs import Reservation, ReservationRequest
from evenflow.client.requests import jobs as calls
from evenflow.client.requests.jobs import Call

T = TypeVar("T")
EVERY_STATUS = ("planned", "active", "ended", "cancelled")


class _Sends(Protocol):
    def send(self, call: Call[T]) -> T: ...


class _SendsLater(Protocol):
    async def send(self, call: Call[T]) -> T: ...


class Reserving:
    """What a client does with reservations."""

    def reservations(
        self: _Sends, queue: str | None = None, *, status: Sequence[str] = ()
    ) -> list[Reservation]:
        """List reservations by their start; without a status those that have not ended."""
        return self.send(calls.reservations(queue, status))

    def reservation(self: _Sends, key: str) -> Reservation:
        """Show a reservation by its id, the beginning of it, or its name when that is one's own."""
        if calls.is_whole_id(key):
            return self.send(calls.reservation(key))
        found = self.send(calls.reservations(None, EVERY_STATUS))
        return calls.the_reservation(key, found)

    def create_reservation(self: _Sends, request: ReservationRequest) -> Reservation:
        """Keep room from `start` to `end`, which are ISO times or seconds from now."""
        return self.send(calls.create_reservation(request))

    def cancel_reservation(
        self: _Sends, reservation_id: str, *, user: str | None = None
    ) -> Reservation:
        """Keep nothing any more; `user` is who wants it, for the record."""
        return self.send(calls.cancel_reservation(reservation_id, user))


class AsyncReserving:
    """`Reserving` for programs that run an event loop."""

    async def reservations(
        self: _SendsLater, queue: str | None = None, *, status: Sequence[str] = ()
    ) -> list[Reservation]:
        """List reservations by their start; without a status those that have not ended."""
        return await self.send(calls.reservations(queue, status))

    async def reservation(self: _SendsLater, key: str) -> Reservation:
        """Show a reservation by its id, the beginning of it, or its name when that is one's own."""
        if calls.is_whole_id(key):
            return await self.send(calls.reservation(key))
        found = await self.send(calls.reservations(None, EVERY_STATUS))
        return calls.the_reservation(key, found)

    async def create_reservation(self: _SendsLater, request: ReservationRequest) -> Reservation:
        """Keep room from `start` to `end`, which are ISO times or seconds from now."""
        return await self.send(calls.create_reservation(request))

    async def cancel_reservation(
        self: _SendsLater, reservation_id: str, *, user: str | None = None
    ) -> Reservation:
        """Keep nothing any more; `user` is who wants it, for the record."""
        return await self.send(calls.cancel_reservation(reservation_id, user))
