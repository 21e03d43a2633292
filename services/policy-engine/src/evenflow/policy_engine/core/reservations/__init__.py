"""Room kept in advance: what may not be taken, until when, and who may take it all the same."""

from evenflow.policy_engine.core.reservations.reserved_room import (
    Conflict,
    ReservedRoom,
    placed_tasks,
)

__all__ = ["Conflict", "ReservedRoom", "placed_tasks"]
