"""Whether a job could ever start on today's cluster: a warning, never a refusal (JOB-10). Pure."""

from collections.abc import Iterator, Sequence

from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import format_amount
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.jobs.rules.capacity import (
    GangDomain,
    GroupDemand,
    demands_of,
    domain_with,
    total_demand,
)
from evenflow.gateway.jobs.rules.eligibility import is_tolerated, selects, why_none_is_eligible


def warnings_for(state: ShardState, spec: JobSpec) -> Iterator[str]:
    """Yield what keeps the job from ever starting today, in words with the numbers."""
    yield from larger_than_nodes(state, spec)
    yield from _larger_than_limits(state, spec)


def larger_than_nodes(state: ShardState, spec: JobSpec) -> Iterator[str]:
    """Yield, at most once, why no nodes of today could hold the job; nothing without nodes."""
    demands, constraints = demands_of(spec), spec.constraints
    known: list[Node] = []
    eligible: list[Node] = []
    domains: dict[tuple[str, str], GangDomain] = {}
    for node in state.nodes.values():
        if not node.is_ready or node.kind != spec.executor:
            continue
        known.append(node)
        if selects(constraints, node) and is_tolerated(constraints, node):
            eligible.append(node)
            domain = domain_with(domains, node, constraints, len(demands))
            domain.add(node, demands)
            if domain.holds(demands):
                return  # the usual case: seldom more than one node was looked at
    if not known:
        return  # nothing was observed yet: nothing is known
    if not eligible:
        yield f"{why_none_is_eligible(constraints, known)}; the job waits until one has"
        return
    any_node = "any node" if len(eligible) == len(known) else "any node that it may go to"
    too_large = _too_large(eligible, demands, any_node)
    yield too_large or _too_many(spec, list(domains.values()), demands)


def _too_large(nodes: Sequence[Node], demands: Sequence[GroupDemand], any_node: str) -> str | None:
    """Return which amount of one task is more than any of the nodes has; None when none is."""
    for each in demands:
        for name, amount in sorted(each.request.items()):
            most, largest = max((node.capacity.get(name, 0), node.name) for node in nodes)
            if amount > most:
                return (
                    f"{each.prefix}{name} {format_amount(name, amount)} is more than "
                    f"{any_node} has: the largest, {largest}, has {format_amount(name, most)}; "
                    "the job waits until one can hold it"
                )
    return None


def _too_many(spec: JobSpec, domains: Sequence[GangDomain], demands: Sequence[GroupDemand]) -> str:
    """Return how many of its tasks there is room for where they may be together."""
    level, anti = spec.constraints.required_level, spec.constraints.anti_affinity
    until = "the job waits until there are more nodes"
    where = "all nodes together hold" if len(domains) == 1 else "no cluster holds more than"
    where = where if level is None else f"no {level} holds more than"
    apart = "" if anti is None else f", each on a {anti.level} of its own"
    for index, each in enumerate(demands):
        slots = max(domain.slots[index] for domain in domains)
        if slots < each.least:
            of = f"tasks of {each.name}" if each.name else "tasks"
            return f"{where} {slots} of its {each.least} {of}{apart}; {until}"
    needed = total_demand(demands)
    for name, amount in sorted(needed.items()):
        most = max(domain.capacity.get(name, 0) for domain in domains)
        if amount > most:
            return (
                f"{where} {name} {format_amount(name, most)}, and its tasks need "
                f"{format_amount(name, amount)}; {until}"
            )
    return f"no nodes hold all its {spec.least_tasks} tasks together{apart}; {until}"


def _larger_than_limits(state: ShardState, spec: JobSpec) -> Iterator[str]:
    whole = total_demand(demands_of(spec))
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
