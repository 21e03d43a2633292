"""How many tasks empty nodes could hold together: never less than they really could. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.jobs.job import Constraints, JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.resources import MILLI, Resources, plus, times, total
from evenflow.gateway.jobs.rules.eligibility import domain_of

PLENTY: Final = 1 << 40  # tasks that ask for nothing


@dataclass(frozen=True, slots=True)
class Part:
    """Tasks of a job that ask for the same; `least` of them start together or not at all."""

    name: str  # of its group; empty in a job without groups
    least: int
    request: Resources

    @property
    def said(self) -> str:
        """What words about it begin with."""
        return f"group {self.name}: " if self.name else ""


def parts_of(spec: JobSpec) -> list[Part]:
    """Return the parts of a job that must start; a group that may start empty is none."""
    if not spec.groups:
        return [Part("", spec.tasks, spec.resources)]
    name_them = len(spec.groups) > 1
    return [
        Part(group.name if name_them else "", group.least, group.resources)
        for group in spec.groups
        if group.least
    ]


def whole_of(parts: Iterable[Part]) -> dict[str, int]:
    """Return what the tasks ask for together that must start."""
    return total(times(part.request, part.least) for part in parts)


@dataclass(slots=True)
class Crowd:
    """Nodes that a gang may be on together: of one cluster, in one domain of `required_level`."""

    anti_level: str | None
    rooms: list[int]  # tasks of each part that would fit if they were alone
    capacity: dict[str, int] = field(default_factory=dict)
    _taken: dict[str, list[bool]] = field(default_factory=dict)  # domains of the anti-affinity

    def add(self, node: Node, parts: Sequence[Part]) -> None:
        """Take one more node in."""
        self.capacity = plus(self.capacity, node.capacity)
        taken = None
        if self.anti_level is not None:
            domain = domain_of(node, self.anti_level)
            taken = self._taken.setdefault(domain, [False] * len(parts))
        for index, part in enumerate(parts):
            room = tasks_on(node, part.request)
            if taken is not None and room:
                room = 0 if taken[index] else 1
                taken[index] = True
            self.rooms[index] += room

    def holds(self, parts: Sequence[Part]) -> bool:
        """Whether nothing says that the job could not start here."""
        if any(room < part.least for room, part in zip(self.rooms, parts, strict=True)):
            return False
        if self.anti_level is not None and len(self._taken) < sum(part.least for part in parts):
            return False
        needed = whole_of(parts)
        return all(amount <= self.capacity.get(name, 0) for name, amount in needed.items())


def crowd_of(
    crowds: dict[tuple[str, str], Crowd], node: Node, constraints: Constraints, parts: int
) -> Crowd:
    """Return the crowd that the node belongs to."""
    level, anti = constraints.required_level, constraints.anti_affinity
    key = (node.cluster, "" if level is None else domain_of(node, level))
    crowd = crowds.get(key)
    if crowd is None:
        crowd = crowds[key] = Crowd(None if anti is None else anti.level, [0] * parts)
    return crowd


def tasks_on(node: Node, request: Resources) -> int:
    """Return how many tasks an empty node holds; parts of a card never come from two."""
    room = PLENTY
    for name, amount in request.items():
        if not amount:
            continue
        there = node.capacity.get(name, 0)
        if name == "gpu" and amount % MILLI:
            # More than one card must be whole; anything else above it fits nowhere.
            fits = node.device_count * (MILLI // amount)
        else:
            fits = there // amount
        room = min(room, fits)
    return room
