"""Whether a job could ever start on today's cluster: a warning, never a refusal (JOB-10). Pure."""

from collections.abc import Iterator

from evenflow.common.domain.job import JobSpec
from evenflow.common.domain.node import Node
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.resources import format_amount, times
from evenflow.common.domain.state import ShardState


def warnings_for(state: ShardState, spec: JobSpec) -> Iterator[str]:
    """Yield what keeps the job from ever starting today, in words with the numbers."""
    yield from _larger_than_nodes(state, spec)
    yield from _larger_than_limits(state, spec)


def _larger_than_nodes(state: ShardState, spec: JobSpec) -> Iterator[str]:
    wanted = [(name, amount) for name, amount in spec.resources.items() if amount]
    nodes: list[Node] = []
    room = 0
    for node in state.nodes.values():
        if node.is_ready and node.cluster == spec.executor:
            nodes.append(node)
            per_node = (node.capacity.get(name, 0) // amount for name, amount in wanted)
            room += min(per_node, default=spec.tasks)
            if room >= spec.tasks:
                return  # the usual case: seldom more than one node was looked at
    if not nodes:
        return  # nothing was observed yet: nothing is known
    for name, amount in sorted(spec.resources.items()):
        most, largest = max((node.capacity.get(name, 0), node.name) for node in nodes)
        if amount > most:
            yield (
                f"{name} {format_amount(name, amount)} is more than any node has: the largest, "
                f"{largest}, has {format_amount(name, most)}; the job waits until one can hold it"
            )
            return
    yield (
        f"all nodes together hold {room} of its {spec.tasks} tasks; "
        "the job waits until there are more nodes"
    )


def _larger_than_limits(state: ShardState, spec: JobSpec) -> Iterator[str]:
    whole = times(spec.resources, spec.tasks)
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
