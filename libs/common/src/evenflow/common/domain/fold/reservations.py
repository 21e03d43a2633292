"""What facts about reservations do to the state. Those that have ended leave it here."""

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import reservations
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.reservations.reservation import (
    MAX_RESERVATIONS,
    Reservation,
    broken_rules,
)
from evenflow.common.domain.state.shard_state import ShardState


def fold_reserved(folded: Folded, entry: Entry, fact: reservations.Defined) -> None:
    """Keep room; refuse what is for nobody, over already, or one too many."""
    state = folded.state
    _drop_ended(state, entry.occurred_at)
    for each in fact.reservations:
        if refused := _refusal(state, each, entry.occurred_at):
            folded.void(each.id, refused)
        else:
            state.reservations[each.id] = each
            folded.reservations[each.id] = each


def fold_unreserved(folded: Folded, entry: Entry, fact: reservations.Cancelled) -> None:
    """Keep nothing any more."""
    state = folded.state
    _drop_ended(state, entry.occurred_at)
    for each in fact.cancellations:
        known = state.reservations.pop(each.reservation_id, None)
        if known is None:
            folded.void(each.reservation_id, "no such reservation, or it has ended")
        else:
            folded.reservations[known.id] = known


def _refusal(state: ShardState, reservation: Reservation, now: Instant) -> str | None:
    if reservation.id in state.reservations:
        return "the reservation is already known"
    if broken := next(broken_rules(reservation), None):
        return str(broken)
    if reservation.queue not in state.queues:
        return f"no queue {reservation.queue!r}"
    if reservation.end_at <= now:
        return "it would be over already"
    if len(state.reservations) >= MAX_RESERVATIONS:
        return f"there are {MAX_RESERVATIONS} reservations already"
    return None


def _drop_ended(state: ShardState, now: Instant) -> None:
    for known in [each for each in state.reservations.values() if each.end_at <= now]:
        del state.reservations[known.id]
