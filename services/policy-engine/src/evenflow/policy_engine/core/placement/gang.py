"""Where the tasks of a gang go within one cluster: one after the other, and in which domains.

Of several domains that hold a gang the fullest is taken, so that wide gaps stay for wide gangs.
"""

from collections.abc import Iterable, Iterator, Sequence

from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from evenflow.policy_engine.core.placement.nodes.node_set import Cluster, NodeSet
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.placement_attempt import PlacementAttempt
from evenflow.policy_engine.core.placement.room_selection import (
    SelectRoom,
    best_in,
    few_domains,
    few_nodes,
    only,
)

Way = tuple[SelectRoom, int]
"""How to select rooms, and for how many tasks."""


def place_gang(attempt: PlacementAttempt, cluster: Cluster) -> bool:
    """Take room for the tasks that must start, then for as many as fit; or for none."""
    cluster.watch(attempt.shape.splits)
    for select, tasks in _ways(attempt, cluster):
        if _follow(attempt, select, tasks) == tasks:
            grow_gang(attempt, cluster, [room for room, _, _ in attempt.taken], tasks)
            return True
        attempt.undo()
    return False


def grow_gang(
    attempt: PlacementAttempt, cluster: Cluster, held: Sequence[Room], first: int
) -> None:
    """Take room for tasks `first…`, in their order, until one does not fit.

    `held` are the rooms of the tasks so far, at least one.
    """
    shape = attempt.shape
    if first >= len(shape.tasks):
        return
    cluster.watch(shape.splits)
    if shape.required == NODE_LEVEL:
        _follow(attempt, only(attempt, held[0]), len(shape.tasks), first)
        return
    outer: NodeSet = cluster
    if shape.required is not None:
        value = held[0].node.labels.get(shape.required)
        if value is None:
            return  # the node lost the label since
        outer = cluster.split((shape.required,))[value,]
    if shape.preferred is None:
        select = best_in(attempt, outer)
    elif shape.preferred == NODE_LEVEL:
        select = few_nodes(attempt, outer, list(dict.fromkeys(held)))
    else:
        inner = _inner_domains(shape, cluster, outer)
        used = [
            domain for room in dict.fromkeys(held) for domain in inner if room.name in domain.rooms
        ]
        select = few_domains(attempt, inner, list(dict.fromkeys(used)))
    _follow(attempt, select, len(shape.tasks), first)


def may_hold(shape: Shape, nodes: NodeSet, tasks: int) -> bool:
    """Whether each ask by itself finds enough room among the nodes: needed, and nearly enough."""
    return all(nodes.of(ask).slots(count) >= count for ask, count in shape.needs[tasks])


def _follow(attempt: PlacementAttempt, select: SelectRoom, tasks: int, first: int = 0) -> int:
    """Take room for tasks from `first` to before `tasks`; return the first that found none."""
    for index in range(first, tasks):
        ask = attempt.shape.tasks[index]
        room = select(ask)
        if room is None:
            return index
        attempt.take(ask, room)
    return tasks


def _ways(attempt: PlacementAttempt, cluster: Cluster) -> Iterator[Way]:
    """Yield what to try, best first."""
    shape = attempt.shape
    # In one domain rather all tasks than the least, so that the gang has not to wait to grow there.
    targets = tuple(dict.fromkeys((len(shape.tasks), shape.least)))
    if shape.required is None:
        if may_hold(shape, cluster, shape.least):
            yield from _ways_inside(attempt, cluster, cluster, targets)
        return
    for tasks in targets:
        if shape.required == NODE_LEVEL:
            yield from _in_one_node(attempt, cluster, tasks)
            continue
        for outer in _fullest_first(cluster.split((shape.required,)).values()):
            if outer.values != (None,) and may_hold(shape, outer, tasks):
                yield from _ways_inside(attempt, cluster, outer, (tasks,))


def _ways_inside(
    attempt: PlacementAttempt, cluster: Cluster, outer: NodeSet, targets: Sequence[int]
) -> Iterator[Way]:
    """Yield what to try in nodes that may hold the last of `targets`, a number of tasks each."""
    shape = attempt.shape
    if shape.preferred is None:
        yield best_in(attempt, outer), targets[-1]
        return
    if shape.preferred == NODE_LEVEL:
        for tasks in targets:
            yield from _in_one_node(attempt, outer, tasks)
        yield few_nodes(attempt, outer, []), targets[-1]
        return
    inner = _inner_domains(shape, cluster, outer)
    for tasks in targets:
        for domain in _fullest_first(inner):
            if domain.values[-1] is not None and may_hold(shape, domain, tasks):
                yield best_in(attempt, domain), tasks
    yield few_domains(attempt, inner, []), targets[-1]


def _in_one_node(attempt: PlacementAttempt, outer: NodeSet, tasks: int) -> Iterator[Way]:
    room = outer.of(attempt.shape.bundle(tasks)).best()
    if room is not None:
        yield only(attempt, room), tasks


def _inner_domains(shape: Shape, cluster: Cluster, outer: NodeSet) -> list[NodeSet]:
    """Return the domains of the preferred level within a cluster or a required one."""
    domains = cluster.split(shape.levels)
    return [each for each in domains.values() if each.values[:-1] == outer.values]


def _fullest_first(domains: Iterable[NodeSet]) -> list[NodeSet]:
    return sorted(domains, key=NodeSet.rank)
