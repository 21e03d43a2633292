"""Room kept in advance: what may not be taken, until when, and who may take it all the same.

It takes reservations, live jobs and when these end at the latest; asked about a placement, it
returns the first reservation that this would be in the way of, and nodes on which it would not be.
Which nodes a reservation gets is decided when its jobs start, not here. It may import
`availability`, `estimates` and `placement`.
"""

from evenflow.policy_engine.core.reservations.reserved_room import (
    Conflict,
    ReservedRoom,
    placed_tasks,
)

__all__ = ["Conflict", "ReservedRoom", "placed_tasks"]
