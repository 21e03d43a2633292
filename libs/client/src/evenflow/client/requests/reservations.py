"""Requests about room kept in advance. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from evenflow.client.errors import AmbiguousId
from evenflow.client.models.reservations import Reservation, ReservationRequest
from evenflow.client.requests.call import Call, api_path
from evenflow.common.domain.errors import NotFound


def reservations(queue: str | None = None, status: Sequence[str] = ()) -> Call[list[Reservation]]:
    """List reservations by their start; without a status those that have not ended."""
    params: dict[str, Any] = {"queue_id": queue} if queue else {}
    params |= {"status": list(status)} if status else {}
    return Call("GET", api_path("reservations"), params=params, pick="reservations")


def reservation(reservation_id: str) -> Call[Reservation]:
    """Show a reservation by its whole id."""
    return Call("GET", api_path("reservations", reservation_id.lower()))


def create_reservation(request: ReservationRequest) -> Call[Reservation]:
    """Keep room in advance."""
    return Call("POST", api_path("reservations"), body=request)


def cancel_reservation(reservation_id: str, user: str | None = None) -> Call[Reservation]:
    """Keep nothing any more; `user` is who wants it."""
    params = {"user_id": user} if user else {}
    return Call("DELETE", api_path("reservations", reservation_id), params=params)


def the_reservation(key: str, found: Iterable[Reservation]) -> Reservation:
    """Return the one reservation whose id begins so, or that is called so.

    Of several of one name it is the one that has not ended.

    Raises:
        NotFound: none is.
        AmbiguousId: several are.
    """
    known = [each for each in found if key in (each["name"], each["id"][: len(key)])]
    to_come = [each for each in known if each["status"] in ("planned", "active")]
    one_of = to_come or known
    if not one_of:
        raise NotFound("reservation", key, "see `evenflow reservation list --all`")
    if len(one_of) > 1:
        raise AmbiguousId(key, [each["id"] for each in one_of])
    return one_of[0]
