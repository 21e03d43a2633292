"""Ways to choose a room for one task after the other."""

from collections.abc import Callable, Sequence

from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.node_set import Scope
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.placement_attempt import Attempt

Chooser = Callable[[Ask], Room | None]


def best_in(attempt: Attempt, scope: Scope) -> Chooser:
    """Choose the node of the scope that the strategy likes best."""
    return lambda ask: attempt.best(ask, scope)


def only(attempt: Attempt, room: Room) -> Chooser:
    """Choose this one node as long as tasks fit."""
    return lambda ask: room if attempt.may_use(ask, room) else None


def few_domains(attempt: Attempt, scopes: Sequence[Scope], used: list[Scope]) -> Chooser:
    """Choose within the domains in use, in their order; then open the one with room for most.

    Nodes of no domain come last. `used` grows.
    """
    limit = len(attempt.shape.tasks)
    orders: dict[Ask, list[Scope]] = {}  # of those not in use nothing changes meanwhile

    def choose(ask: Ask) -> Room | None:
        for scope in used:
            room = attempt.best(ask, scope)
            if room is not None:
                return room
        if ask not in orders:
            orders[ask] = sorted(
                scopes,
                key=lambda s: (s.values[-1] is None, -s.of(ask).slots(limit), Scope.rank(s)),
            )
        for scope in orders[ask]:
            if scope not in used:
                room = attempt.best(ask, scope)
                if room is not None:
                    used.append(scope)
                    return room
        return None

    return choose


def few_nodes(attempt: Attempt, scope: Scope, used: list[Room]) -> Chooser:
    """Choose among the nodes in use, in their order; then the one with room for most."""
    limit = len(attempt.shape.tasks)
    orders: dict[Ask, list[Room]] = {}

    def choose(ask: Ask) -> Room | None:
        for room in used:
            if attempt.may_use(ask, room):
                return room
        if ask not in orders:
            rooms = sorted((-min(slots, limit), entry) for entry, slots in scope.of(ask).rooms())
            orders[ask] = [entry[3] for _, entry in rooms]
        for room in orders[ask]:
            if room not in used and attempt.may_use(ask, room):
                used.append(room)
                return room
        return None

    return choose
