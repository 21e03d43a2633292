"""Reservations in both SDKs: room kept in advance for the jobs of a queue."""

from collections.abc import Sequence

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.reservations import Reservation, ReservationRequest
from evenflow.client.requests import reservations as calls
from evenflow.client.requests.jobs import is_whole_id

EVERY_STATUS = ("planned", "active", "ended", "cancelled")


class ReservationMethods:
    """What a client does with reservations."""

    def reservations(
        self: Sends, queue: str | None = None, *, status: Sequence[str] = ()
    ) -> list[Reservation]:
        """List reservations by their start; without a status those that have not ended."""
        return self.send(calls.reservations(queue, status))

    def reservation(self: Sends, key: str) -> Reservation:
        """Show a reservation by its id, the beginning of it, or its name when that is one's own."""
        if is_whole_id(key):
            return self.send(calls.reservation(key))
        found = self.send(calls.reservations(None, EVERY_STATUS))
        return calls.the_reservation(key, found)

    def create_reservation(self: Sends, request: ReservationRequest) -> Reservation:
        """Keep room from `start` to `end`, which are ISO times or seconds from now."""
        return self.send(calls.create_reservation(request))

    def cancel_reservation(
        self: Sends, reservation_id: str, *, user: str | None = None
    ) -> Reservation:
        """Keep nothing any more; `user` is who wants it, for the record."""
        return self.send(calls.cancel_reservation(reservation_id, user))


class AsyncReservationMethods:
    """`ReservationMethods` for programs that run an event loop."""

    async def reservations(
        self: SendsLater, queue: str | None = None, *, status: Sequence[str] = ()
    ) -> list[Reservation]:
        """List reservations by their start; without a status those that have not ended."""
        return await self.send(calls.reservations(queue, status))

    async def reservation(self: SendsLater, key: str) -> Reservation:
        """Show a reservation by its id, the beginning of it, or its name when that is one's own."""
        if is_whole_id(key):
            return await self.send(calls.reservation(key))
        found = await self.send(calls.reservations(None, EVERY_STATUS))
        return calls.the_reservation(key, found)

    async def create_reservation(self: SendsLater, request: ReservationRequest) -> Reservation:
        """Keep room from `start` to `end`, which are ISO times or seconds from now."""
        return await self.send(calls.create_reservation(request))

    async def cancel_reservation(
        self: SendsLater, reservation_id: str, *, user: str | None = None
    ) -> Reservation:
        """Keep nothing any more; `user` is who wants it, for the record."""
        return await self.send(calls.cancel_reservation(reservation_id, user))
