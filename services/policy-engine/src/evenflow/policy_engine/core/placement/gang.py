"""Where the tasks of a gang go within one cluster: one after the other, and in which domains.

Of several domains that hold a gang the fullest is taken, so that wide gaps stay for wide gangs.
"""

from collections.abc import Iterable, Iterator, Sequence

from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from evenflow.policy_engine.core.placement.attempt import Attempt
from evenflow.policy_engine.core.placement.choosers import (
    Chooser,
    best_in,
    few_domains,
    few_nodes,
    only,
)
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.scope import Cluster, Scope
from evenflow.policy_engine.core.placement.nodes.shape import Shape

Way = tuple[Chooser, int]
"""How to choose, and for how many tasks."""


def fill(attempt: Attempt, cluster: Cluster) -> bool:
    """Take room for the tasks that must start, then for as many as fit; or for none."""
    cluster.watch(attempt.shape.splits)
    for choose, tasks in _ways(attempt, cluster):
        if _follow(attempt, choose, tasks) == tasks:
            extend(attempt, cluster, [room for room, _, _ in attempt.taken], tasks)
            return True
        attempt.undo()
    return False


def extend(attempt: Attempt, cluster: Cluster, held: Sequence[Room], first: int) -> None:
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
    outer: Scope = cluster
    if shape.required is not None:
        value = held[0].node.labels.get(shape.required)
        if value is None:
            return  # the node lost the label since
        outer = cluster.split((shape.required,))[value,]
    if shape.preferred is None:
        choose = best_in(attempt, outer)
    elif shape.preferred == NODE_LEVEL:
        choose = few_nodes(attempt, outer, list(dict.fromkeys(held)))
    else:
        inner = _inner_scopes(shape, cluster, outer)
        used = [
            scope for room in dict.fromkeys(held) for scope in inner if room.name in scope.rooms
        ]
        choose = few_domains(attempt, inner, list(dict.fromkeys(used)))
    _follow(attempt, choose, len(shape.tasks), first)


def may_hold(shape: Shape, scope: Scope, tasks: int) -> bool:
    """Whether each ask by itself finds enough room in the scope: needed, and nearly enough."""
    return all(scope.of(ask).slots(count) >= count for ask, count in shape.needs[tasks])


def _follow(attempt: Attempt, choose: Chooser, tasks: int, first: int = 0) -> int:
    """Take room for tasks from `first` to before `tasks`; return the first that found none."""
    for index in range(first, tasks):
        ask = attempt.shape.tasks[index]
        room = choose(ask)
        if room is None:
            return index
        attempt.take(ask, room)
    return tasks


def _ways(attempt: Attempt, cluster: Cluster) -> Iterator[Way]:
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
    attempt: Attempt, cluster: Cluster, outer: Scope, targets: Sequence[int]
) -> Iterator[Way]:
    """Yield what to try in a scope that may hold the last of `targets`, a number of tasks each."""
    shape = attempt.shape
    if shape.preferred is None:
        yield best_in(attempt, outer), targets[-1]
        return
    if shape.preferred == NODE_LEVEL:
        for tasks in targets:
            yield from _in_one_node(attempt, outer, tasks)
        yield few_nodes(attempt, outer, []), targets[-1]
        return
    inner = _inner_scopes(shape, cluster, outer)
    for tasks in targets:
        for scope in _fullest_first(inner):
            if scope.values[-1] is not None and may_hold(shape, scope, tasks):
                yield best_in(attempt, scope), tasks
    yield few_domains(attempt, inner, []), targets[-1]


def _in_one_node(attempt: Attempt, outer: Scope, tasks: int) -> Iterator[Way]:
    room = outer.of(attempt.shape.bundle(tasks)).best()
    if room is not None:
        yield only(attempt, room), tasks


def _inner_scopes(shape: Shape, cluster: Cluster, outer: Scope) -> list[Scope]:
    """Return the domains of the preferred level within the scope, a cluster or a required one."""
    scopes = cluster.split(shape.levels)
    return [each for each in scopes.values() if each.values[:-1] == outer.values]


def _fullest_first(scopes: Iterable[Scope]) -> list[Scope]:
    return sorted(scopes, key=Scope.rank)
