"""Facts about room that is kept in advance."""

from dataclasses import dataclass

from evenflow.common.domain.reservations.reservation import Reservation


@dataclass(frozen=True, slots=True)
class Defined:
    """Room is kept; a reservation never changes, it is cancelled and made anew."""

    reservations: tuple[Reservation, ...]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Somebody wants a reservation to end at once."""

    reservation_id: str
    user: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Nothing is kept any more."""

    cancellations: tuple[Cancellation, ...]
