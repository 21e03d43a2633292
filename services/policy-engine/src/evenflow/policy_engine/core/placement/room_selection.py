"""Ways to choose a room for one task after the other."""

from collections.abc import Callable, Sequence

from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.node_set import NodeSet
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.placement_attempt import PlacementAttempt

SelectRoom = Callable[[Ask], Room | None]


def best_in(attempt: PlacementAttempt, nodes: NodeSet) -> SelectRoom:
    """Choose the node of these that the strategy likes best."""
    return lambda ask: attempt.best(ask, nodes)


def only(attempt: PlacementAttempt, room: Room) -> SelectRoom:
    """Choose this one node as long as tasks fit."""
    return lambda ask: room if attempt.may_use(ask, room) else None


def few_domains(
    attempt: PlacementAttempt, domains: Sequence[NodeSet], used: list[NodeSet]
) -> SelectRoom:
    """Choose within the domains in use, in their order; then open the one with room for most.

    Nodes of no domain come last. `used` grows.
    """
    limit = len(attempt.shape.tasks)
    orders: dict[Ask, list[NodeSet]] = {}  # of those not in use nothing changes meanwhile

    def select(ask: Ask) -> Room | None:
        for domain in used:
            room = attempt.best(ask, domain)
            if room is not None:
                return room
        if ask not in orders:
            orders[ask] = sorted(
                domains,
                key=lambda d: (d.values[-1] is None, -d.of(ask).slots(limit), NodeSet.rank(d)),
            )
        for domain in orders[ask]:
            if domain not in used:
                room = attempt.best(ask, domain)
                if room is not None:
                    used.append(domain)
                    return room
        return None

    return select


def few_nodes(attempt: PlacementAttempt, nodes: NodeSet, used: list[Room]) -> SelectRoom:
    """Choose among the nodes in use, in their order; then the one with room for most."""
    limit = len(attempt.shape.tasks)
    orders: dict[Ask, list[Room]] = {}

    def select(ask: Ask) -> Room | None:
        for room in used:
            if attempt.may_use(ask, room):
                return room
        if ask not in orders:
            rooms = sorted((-min(slots, limit), entry) for entry, slots in nodes.of(ask).rooms())
            orders[ask] = [entry[3] for _, entry in rooms]
        for room in orders[ask]:
            if room not in used and attempt.may_use(ask, room):
                used.append(room)
                return room
        return None

    return select
