"""What reservations that hold at the same time leave to each other. Pure.

Nobody knows on which nodes the jobs of the others will be, so each of their tasks that is still to
come may cost as many slots as it could at worst.
"""

from collections.abc import Iterable

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.domain.resources import Resources, plus


def slots_lost_to(other: Reservation, mine: Reservation, held: Resources) -> int:
    """Return how many slots of `mine` the other may cost, whose jobs hold so much already."""
    if other.executor != mine.executor or _are_apart(other, mine):
        return 0
    return max(0, other.tasks - _slots_in(held, other.resources)) * _most_lost(other, mine)


def is_within(reservation: Reservation, held: Resources) -> bool:
    """Whether no more is held than a reservation keeps."""
    kept, tasks = reservation.resources, reservation.tasks
    return all(amount <= tasks * kept.get(name, 0) for name, amount in held.items() if amount)


def held_by(reservation: Reservation, jobs: Iterable[tuple[Job, int]]) -> dict[str, int]:
    """Return what a reservation's own jobs hold, given with their number of placed tasks."""
    held: dict[str, int] = {}
    for job, tasks in jobs:
        spec = job.spec
        if spec.executor == reservation.executor and reservation.is_for(spec.queue):
            held = plus(held, whole_request(spec, tasks))
    return held


def starts_within(
    reservation: Reservation, others: Iterable[Reservation], now: Instant
) -> list[Instant]:
    """Return the instants, from now on, at which most may be kept beside a reservation."""
    first = max(now, reservation.start_at)
    later = {
        other.start_at
        for other in others
        if other.executor == reservation.executor and first < other.start_at < reservation.end_at
    }
    return sorted({first} | later)


def _slots_in(held: Resources, request: Resources) -> int:
    counts = [held.get(name, 0) // amount for name, amount in request.items() if amount]
    return min(counts, default=0)


def _most_lost(other: Reservation, mine: Reservation) -> int:
    """Return how many slots of `mine` on one node one task of the other may cost."""
    if mine.constraints.anti_affinity is not None:
        return 1
    lost = [
        -(-other.resources.get(name, 0) // amount)
        for name, amount in mine.resources.items()
        if amount
    ]
    return max(lost, default=0)


def _are_apart(one: Reservation, other: Reservation) -> bool:
    """Whether selectors keep them on different nodes."""
    mine, theirs = one.constraints.selector, other.constraints.selector
    return any(
        values and theirs.get(label) and not set(values) & set(theirs[label])
        for label, values in mine.items()
    )
