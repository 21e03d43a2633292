"""How many tasks empty nodes could hold together: never less than they really could. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.jobs.constraints import Constraints
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.resources import MILLI, Resources, plus, times, total
from evenflow.gateway.jobs.rules.eligibility import domain_of

UNBOUNDED: Final = 1 << 40  # tasks that ask for nothing


@dataclass(frozen=True, slots=True)
class GroupDemand:
    """Tasks of a job that ask for the same; `least` of them start together or not at all."""

    name: str  # of its group; empty in a job without groups
    least: int
    request: Resources

    @property
    def prefix(self) -> str:
        """What a sentence about it begins with."""
        return f"group {self.name}: " if self.name else ""


def demands_of(spec: JobSpec) -> list[GroupDemand]:
    """Return what a job must start with; a group that may start empty is left out."""
    if not spec.groups:
        return [GroupDemand("", spec.tasks, spec.resources)]
    name_them = len(spec.groups) > 1
    return [
        GroupDemand(group.name if name_them else "", group.least, group.resources)
        for group in spec.groups
        if group.least
    ]


def total_demand(demands: Iterable[GroupDemand]) -> dict[str, int]:
    """Return what the tasks ask for together that must start."""
    return total(times(each.request, each.least) for each in demands)


@dataclass(slots=True)
class GangDomain:
    """Nodes that a gang may be on together: of one cluster, in one domain of `required_level`."""

    anti_level: str | None
    slots: list[int]  # tasks of each demand that would fit if they were alone
    capacity: dict[str, int] = field(default_factory=dict)
    _taken: dict[str, list[bool]] = field(default_factory=dict)  # domains of the anti-affinity

    def add(self, node: Node, demands: Sequence[GroupDemand]) -> None:
        """Take one more node in."""
        self.capacity = plus(self.capacity, node.capacity)
        taken = None
        if self.anti_level is not None:
            domain = domain_of(node, self.anti_level)
            taken = self._taken.setdefault(domain, [False] * len(demands))
        for index, each in enumerate(demands):
            slots = tasks_on(node, each.request)
            if taken is not None and slots:
                slots = 0 if taken[index] else 1
                taken[index] = True
            self.slots[index] += slots

    def holds(self, demands: Sequence[GroupDemand]) -> bool:
        """Whether nothing says that the job could not start here."""
        if any(free < each.least for free, each in zip(self.slots, demands, strict=True)):
            return False
        if self.anti_level is not None and len(self._taken) < sum(each.least for each in demands):
            return False
        needed = total_demand(demands)
        return all(amount <= self.capacity.get(name, 0) for name, amount in needed.items())


def domain_with(
    domains: dict[tuple[str, str], GangDomain], node: Node, constraints: Constraints, demands: int
) -> GangDomain:
    """Return the domain that the node belongs to, made when it is the first of its nodes."""
    level, anti = constraints.required_level, constraints.anti_affinity
    key = (node.cluster, "" if level is None else domain_of(node, level))
    domain = domains.get(key)
    if domain is None:
        domain = domains[key] = GangDomain(None if anti is None else anti.level, [0] * demands)
    return domain


def tasks_on(node: Node, request: Resources) -> int:
    """Return how many tasks an empty node holds; parts of a card never come from two."""
    slots = UNBOUNDED
    for name, amount in request.items():
        if not amount:
            continue
        there = node.capacity.get(name, 0)
        if name == "gpu" and amount % MILLI:
            # More than one card must be whole; anything else above it fits nowhere.
            fits = node.device_count * (MILLI // amount)
        else:
            fits = there // amount
        slots = min(slots, fits)
    return slots
