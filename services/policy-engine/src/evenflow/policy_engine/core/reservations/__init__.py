"""Room kept in advance: what may not be taken, until when, and who may take it all the same."""

from evenflow.policy_engine.core.reservations.reserved_room import Conflict, Reserved, placed

__all__ = ["Conflict", "Reserved", "placed"]
