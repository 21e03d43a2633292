"""Sums by queue with all above it, by project, by user, by user of a queue. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.usage.snapshot import queue_user
from evenflow.usage_aggregator.core.series import CAPACITY, Key, Series
from evenflow.usage_aggregator.core.slots import Floats, Ints

GROUPS: Final = ("queues", "projects", "users", "queue_users")


@dataclass(frozen=True, slots=True)
class Table:
    """A group at an instant: a column of sums for each resource, a row for each name."""

    names: list[str]  # sorted
    columns: Mapping[str, Floats]


@dataclass(slots=True)
class _Group:
    """Which series count for which name: the same place in three lists."""

    rows: dict[str, int] = field(default_factory=dict)  # name to its number
    ids: list[int] = field(default_factory=list)
    row_of: list[int] = field(default_factory=list)
    resource_of: list[int] = field(default_factory=list)
    arrays: tuple[Ints, Ints, Ints] | None = None
    order: tuple[list[str], Ints] | None = None

    def add(self, name: str, number: int, resource: int) -> None:
        self.ids.append(number)
        self.row_of.append(self.rows.setdefault(name, len(self.rows)))
        self.resource_of.append(resource)
        self.arrays = self.order = None

    def table(self, sums: Floats, resources: list[str]) -> Table:
        if self.arrays is None or self.order is None:
            names = sorted(self.rows)
            places = [self.rows[name] for name in names]
            self.order = names, np.array(places, dtype=np.int64)
            self.arrays = _ints(self.ids), _ints(self.row_of), _ints(self.resource_of)
        ids, row_of, resource_of = self.arrays
        names, order = self.order
        width = len(resources)
        # One after the other in the order of the arrays, as a loop would: no other rounding.
        flat = np.bincount(
            row_of * width + resource_of, weights=sums[ids], minlength=len(names) * width
        )
        table = flat.astype(np.float64).reshape(len(names), width)[order]
        return Table(names, {name: table[:, at] for at, name in enumerate(resources)})


class Groups:
    """Follows the series; each new one is looked at once."""

    def __init__(self, series: Series) -> None:
        """Nothing is grouped before somebody asks."""
        self._series = series
        self._edition = series.edition
        self._seen = 0
        self._resources: dict[str, int] = {}
        self._capacity: dict[str, int] = {}
        self._groups = {name: _Group() for name in GROUPS}

    def tables(self, sums: Floats) -> dict[str, Table]:
        """Return the table of every group."""
        self._follow()
        resources = list(self._resources)
        return {name: group.table(sums, resources) for name, group in self._groups.items()}

    def capacity(self, sums: Floats) -> dict[str, float]:
        """Return the capacity times seconds of each resource."""
        self._follow()
        return {name: float(sums[number]) for name, number in self._capacity.items()}

    def _follow(self) -> None:
        if self._edition != self._series.edition:
            self._edition, self._seen = self._series.edition, 0
            self._resources, self._capacity = {}, {}
            self._groups = {name: _Group() for name in GROUPS}
        keys = self._series.keys
        for number in range(self._seen, len(keys)):
            if (key := keys[number]) is not None:
                self._place(number, key)
        self._seen = len(keys)

    def _place(self, number: int, key: Key) -> None:
        queue, project, user, resource = key
        if queue == CAPACITY:
            self._capacity[resource] = number
            return
        place = self._resources.setdefault(resource, len(self._resources))
        for group, name in _names(queue, project, user):
            self._groups[group].add(name, number, place)


def _names(queue: str, project: str, user: str) -> Iterator[tuple[str, str]]:
    for path in lineage(queue):
        yield "queues", path
    yield "projects", project or queue.partition("/")[0]
    if user:  # some stores cannot tell who it was (USG-06)
        yield "users", user
        yield "queue_users", queue_user(queue, user)


def _ints(numbers: list[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)
