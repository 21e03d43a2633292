"""Whether a job could ever start on today's cluster: a warning, never a refusal (JOB-10). Pure."""

from collections.abc import Iterator, Sequence

from evenflow.common.domain.jobs.job import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import format_amount
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.jobs.rules.capacity import Crowd, Part, crowd_of, parts_of, whole_of
from evenflow.gateway.jobs.rules.eligibility import is_tolerated, selects, who_may_not


def warnings_for(state: ShardState, spec: JobSpec) -> Iterator[str]:
    """Yield what keeps the job from ever starting today, in words with the numbers."""
    yield from larger_than_nodes(state, spec)
    yield from _larger_than_limits(state, spec)


def larger_than_nodes(state: ShardState, spec: JobSpec) -> Iterator[str]:
    """Yield, at most once, why no nodes of today could hold the job; nothing without nodes."""
    parts, constraints = parts_of(spec), spec.constraints
    known: list[Node] = []
    open_to_it: list[Node] = []
    crowds: dict[tuple[str, str], Crowd] = {}
    for node in state.nodes.values():
        if not node.is_ready or node.kind != spec.executor:
            continue
        known.append(node)
        if selects(constraints, node) and is_tolerated(constraints, node):
            open_to_it.append(node)
            crowd = crowd_of(crowds, node, constraints, len(parts))
            crowd.add(node, parts)
            if crowd.holds(parts):
                return  # the usual case: seldom more than one node was looked at
    if not known:
        return  # nothing was observed yet: nothing is known
    if not open_to_it:
        yield f"{who_may_not(constraints, known)}; the job waits until one has"
        return
    any_node = "any node" if len(open_to_it) == len(known) else "any node that it may go to"
    too_large = _too_large(open_to_it, parts, any_node)
    yield too_large or _too_many(spec, list(crowds.values()), parts)


def _too_large(nodes: Sequence[Node], parts: Sequence[Part], any_node: str) -> str | None:
    """Return which amount of one task is more than any of the nodes has; None when none is."""
    for part in parts:
        for name, amount in sorted(part.request.items()):
            most, largest = max((node.capacity.get(name, 0), node.name) for node in nodes)
            if amount > most:
                return (
                    f"{part.said}{name} {format_amount(name, amount)} is more than {any_node} has: "
                    f"the largest, {largest}, has {format_amount(name, most)}; "
                    "the job waits until one can hold it"
                )
    return None


def _too_many(spec: JobSpec, crowds: Sequence[Crowd], parts: Sequence[Part]) -> str:
    """Return how many of its tasks there is room for where they may be together."""
    level, anti = spec.constraints.required_level, spec.constraints.anti_affinity
    until = "the job waits until there are more nodes"
    where = "all nodes together hold" if len(crowds) == 1 else "no cluster holds more than"
    where = where if level is None else f"no {level} holds more than"
    apart = "" if anti is None else f", each on a {anti.level} of its own"
    for index, part in enumerate(parts):
        room = max(crowd.rooms[index] for crowd in crowds)
        if room < part.least:
            of = f"tasks of {part.name}" if part.name else "tasks"
            return f"{where} {room} of its {part.least} {of}{apart}; {until}"
    needed = whole_of(parts)
    for name, amount in sorted(needed.items()):
        most = max(crowd.capacity.get(name, 0) for crowd in crowds)
        if amount > most:
            return (
                f"{where} {name} {format_amount(name, most)}, and its tasks need "
                f"{format_amount(name, amount)}; {until}"
            )
    return f"no nodes hold all its {spec.least_tasks} tasks together{apart}; {until}"


def _larger_than_limits(state: ShardState, spec: JobSpec) -> Iterator[str]:
    whole = whole_of(parts_of(spec))
    for path in lineage(spec.queue):
        queue, quota = state.queues.get(path), state.quotas.get(path)
        limits = [("limit", queue.limit)] if queue and queue.limit is not None else []
        if quota and quota.enforce:
            limits.append(("quota", quota.resources))
        for kind, amounts in limits:
            for name, most in sorted(amounts.items()):
                if whole.get(name, 0) > most:
                    yield (
                        f"{name} {format_amount(name, whole[name])} is above the {kind} "
                        f"{format_amount(name, most)} of {path}; the job waits until that is raised"
                    )
