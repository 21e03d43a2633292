"""One leaf's waiting jobs in its order, by groups of those that are placed and judged alike."""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple

from sortedcontainers import SortedList

from evenflow.common.domain.job import Job
from evenflow.common.domain.policy import JobKey, Policy, Rank
from evenflow.policy_engine.core.placement import Shape


class GroupKey(NamedTuple):
    """What the jobs of a group have in common; `user` is empty where the policy looks at none."""

    user: str
    job_type: str
    shape: Shape


Order = tuple[Rank, JobKey]
"""Ascending: how the user stands (empty for policies of jobs), then the group's first job."""
Standings = Callable[[str, Rank], Rank]
"""User and the rank of its first job to how it stands."""


class Leaf:
    """Jobs sorted by the leaf's policy. Groups that cannot start now may be put aside."""

    def __init__(self, path: str, policy: Policy) -> None:
        """It is empty. With a policy of users, `standings` is to be given before the first job."""
        self.path = path
        self.policy = policy
        self.standings: Standings | None = None
        self._groups: dict[GroupKey, SortedList[JobKey]] = {}
        self._orders: dict[GroupKey, Order] = {}  # of groups that are not aside
        self._heads: list[tuple[Order, int, GroupKey]] = []  # a heap; outdated ones are skipped
        self._serial = 0
        self._of_user: dict[str, dict[GroupKey, None]] = {}

    def __len__(self) -> int:
        """Return how many jobs wait."""
        return sum(map(len, self._groups.values()))

    def items(self) -> list[tuple[str, GroupKey]]:
        """Return all that wait, with their groups."""
        return [(key[-1], group) for group, keys in self._groups.items() for key in keys]

    def groups(self) -> Iterator[tuple[GroupKey, SortedList[JobKey]]]:
        """Yield each group with its jobs in order, those that are aside too. Not to be changed."""
        yield from self._groups.items()

    def open_ids(self) -> Iterator[str]:
        """Yield the ids of those whose group is not aside."""
        return (key[-1] for group in self._orders for key in self._groups[group])

    @property
    def is_of_users(self) -> bool:
        """Whether its policy compares users before it compares jobs."""
        return self.standings is not None

    @property
    def users(self) -> int:
        """How many users have jobs here."""
        return len(self._of_user)

    def group_of(self, job: Job, shape: Shape) -> GroupKey:
        """Return the group that a job belongs to."""
        user = job.spec.user if self.standings is not None else ""
        return GroupKey(user, job.spec.job_type, shape)

    def add(self, group: GroupKey, key: JobKey) -> None:
        """Let a job wait. A group that was aside is looked at again when its first job is new."""
        keys = self._groups.get(group)
        if keys is None:
            keys = self._groups[group] = SortedList()
            self._of_user.setdefault(group.user, {})[group] = None
        keys.add(key)
        if keys[0] is key:
            self._lead(group)

    def remove(self, group: GroupKey, key: JobKey) -> None:
        """Let a job wait no more."""
        keys = self._groups[group]
        if len(keys) == 1:
            del self._groups[group]
            self._orders.pop(group, None)
            groups = self._of_user[group.user]
            del groups[group]
            if not groups:
                del self._of_user[group.user]
            return
        order = self._orders.get(group)
        if (keys[0] if order is None else order[1]) == key:
            keys.pop(0)
            self._lead(group)
        else:
            keys.remove(key)

    def head(self) -> tuple[str, GroupKey] | None:
        """Return the job whose turn it is, and its group; None when all are aside."""
        heads = self._heads
        while heads:
            order, _, group = heads[0]
            if self._orders.get(group) is order:
                return order[1][-1], group
            heappop(heads)
        return None

    def put_aside(self, group: GroupKey) -> None:
        """Pass over a group until it is taken back or has another first job."""
        self._orders.pop(group, None)

    def take_back(self, group: GroupKey) -> None:
        """Look at a group again; nothing happens when it is gone."""
        if group in self._groups and group not in self._orders:
            self._lead(group)

    def is_aside(self, group: GroupKey) -> bool:
        """Whether a group is there and passed over."""
        return group in self._groups and group not in self._orders

    def first_of(self, group: GroupKey) -> str | None:
        """Return the first job of a group; None when it is gone."""
        keys = self._groups.get(group)
        return keys[0][-1] if keys else None

    def is_before(self, group: GroupKey, other: GroupKey) -> bool:
        """Whether the first job of a group goes before that of another, aside or not."""
        if group not in self._groups or other not in self._groups:
            return False
        return self._order(group) < self._order(other)

    def stand_otherwise(self) -> None:
        """Order all groups anew: how many users there are has changed."""
        for group in list(self._orders):
            self._lead(group)

    def stands_otherwise(self, user: str) -> bool:
        """Order a user's groups anew; whether it has any here."""
        groups = self._of_user.get(user)
        for group in groups or ():
            if group in self._orders:
                self._lead(group)
        return bool(groups)

    def _lead(self, group: GroupKey) -> None:
        order = self._orders[group] = self._order(group)
        self._serial += 1
        entry = (order, self._serial, group)
        if self._heads and self._heads[0][2] == group:
            heapreplace(self._heads, entry)  # what stood there of it is outdated
            return
        heappush(self._heads, entry)
        if len(self._heads) > 4 * len(self._groups) + 64:
            self._heads = [e for e in self._heads if self._orders.get(e[2]) is e[0]]
            heapify(self._heads)

    def _order(self, group: GroupKey) -> Order:
        key: JobKey = self._groups[group][0]
        rank = () if self.standings is None else self.standings(group.user, key[0])
        return (rank, key)
