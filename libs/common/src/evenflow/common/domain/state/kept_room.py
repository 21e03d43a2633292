"""For which queues room is kept in advance. Pure."""

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.state.shard_state import ShardState


def kept_for(state: ShardState, path: str, now: Instant) -> str | None:
    """Return the name of a reservation that is for exactly this queue and has not ended."""
    for reservation in state.reservations.values():
        if reservation.queue == path and reservation.end_at > now:
            return reservation.name
    return None
