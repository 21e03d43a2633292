"""Whether the nodes of today could keep a reservation, beside those that overlap it. Pure.

Nodes are taken as empty: what runs now will mostly have ended. Reservations are fitted in one after
the other, those with fewer nodes to choose from first; an answer of no names the instant.
"""

from collections.abc import Sequence

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import Conflict, RequestRejected
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.reservations.reservation import Reservation, asked_by
from evenflow.common.domain.resources import minus, times
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.jobs.rules.capacity import tasks_on
from evenflow.gateway.jobs.rules.eligibility import domain_of, is_tolerated, selects
from evenflow.gateway.jobs.rules.feasibility import larger_than_nodes
from evenflow.gateway.values.instants import shown_instant


class Infeasible(RequestRejected):
    """No cluster could hold so much, whatever else there is."""

    status = 422
    code = "too_large"


class Overbooked(Conflict):
    """Other reservations keep what it asks for."""

    code = "overbooked"


def shortage(state: ShardState, wanted: Reservation) -> RequestRejected | None:
    """Return why the nodes cannot keep a reservation; None when nothing says so."""
    spec = asked_by(wanted)
    nodes = [n for n in state.nodes.values() if n.is_ready and n.kind == wanted.executor]
    if not nodes:
        rule = f"must name the executor of a cluster with nodes; {wanted.executor} has none"
        return Infeasible(f"executor: {rule}", field="executor", value=wanted.executor, rule=rule)
    if too_large := next(larger_than_nodes(state, spec), None):
        rule = too_large.partition("; the job waits")[0]
        amounts = f"{wanted.tasks} tasks"
        return Infeasible(rule, field="resources", value=amounts, rule=rule)
    others = [
        each
        for each in state.reservations.values()
        if each.executor == wanted.executor and each.overlaps(wanted.start_at, wanted.end_at)
    ]
    # What is kept grows only where one begins.
    instants = sorted({wanted.start_at} | {max(o.start_at, wanted.start_at) for o in others})
    for at in instants:
        beside = [each for each in others if each.overlaps(at, at + 1)]
        if beside and not _all_fit(nodes, [*beside, wanted]):
            return _overbooked(wanted, beside, at)
    return None


def _overbooked(wanted: Reservation, beside: Sequence[Reservation], at: Instant) -> Overbooked:
    names = ", ".join(repr(each.name) for each in beside[:3]) + (
        " and others" if len(beside) > 3 else ""  # noqa: PLR2004 - enough to see which
    )
    rule = f"would keep more than there is: from {shown_instant(at)} {names} keep the rest"
    return Overbooked(f"tasks: {rule}", field="tasks", value=wanted.tasks, rule=rule)


def _all_fit(nodes: Sequence[Node], wanted: Sequence[Reservation]) -> bool:
    free_by_node = {node.name: dict(node.capacity) for node in nodes}

    def choice(reservation: Reservation) -> list[Node]:
        constraints = reservation.constraints
        return [n for n in nodes if selects(constraints, n) and is_tolerated(constraints, n)]

    for each in sorted(wanted, key=lambda r: (len(choice(r)), r.start_at, r.id)):
        # Nodes that hold few go first, so that large nodes stay whole; then by name.
        groups: dict[tuple[str, str], list[Node]] = {}
        level = each.constraints.required_level
        for node in choice(each):
            domain = "" if level is None else domain_of(node, level)
            groups.setdefault((node.cluster, domain), []).append(node)
        taken = (
            _fit(each, members, free_by_node)
            for _, members in sorted(groups.items(), key=lambda g: g[0])
        )
        found = next((t for t in taken if t is not None), None)
        if found is None:
            return False
        for name, count in found.items():
            free_by_node[name] = minus(free_by_node[name], times(each.resources, count))
    return True


def _fit(
    reservation: Reservation, nodes: Sequence[Node], free_by_node: dict[str, dict[str, int]]
) -> dict[str, int] | None:
    """Return tasks by node in this group of nodes; None when not all fit."""
    anti = reservation.constraints.anti_affinity
    rest, found = reservation.tasks, dict[str, int]()
    used: dict[str, None] = {}

    def free(node: Node) -> int:
        left = Node(node.name, node.cluster, free_by_node[node.name])
        return tasks_on(left, reservation.resources)

    for node in sorted(nodes, key=lambda n: (free(n), n.name)):
        most = free(node)
        if anti is not None:
            domain = domain_of(node, anti.level)
            most = 0 if domain in used else min(most, 1)
            if most > 0:
                used[domain] = None
        count = min(rest, max(0, most))
        if count:
            found[node.name] = count
            rest -= count
        if not rest:
            return found
    return None
