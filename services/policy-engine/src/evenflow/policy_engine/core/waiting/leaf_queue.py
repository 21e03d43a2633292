"""One leaf's waiting jobs in its order, by groups of those that are placed and judged alike."""

from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heappop, heappush, heapreplace

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import JobKey, Policy, Rank
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.waiting.job_class import JobGroup, Order
from evenflow.policy_engine.core.waiting.sorted_queue import SortedQueue

_Alike = tuple[str, str, Shape, bool]
Standings = Callable[[str, Rank], Rank]
"""User and the rank of its first job to how it stands."""


class LeafQueue:
    """Jobs sorted by the leaf's policy. Groups that cannot start now may be put aside."""

    __slots__ = (
        "_groups", "_heads", "_of_user", "_serial", "parked", "path", "policy",
        "standings",
    )  # fmt: skip

    def __init__(self, path: str, policy: Policy) -> None:
        """It is empty. With a policy of users, `standings` is to be given before the first job."""
        self.path = path
        self.policy = policy
        self.standings: Standings | None = None
        # By user, type, shape and whether they are late, as long as somebody waits there.
        self._groups: dict[_Alike, JobGroup] = {}
        self._heads: list[tuple[Order, int, JobGroup]] = []  # a heap; outdated ones are skipped
        self._serial = 0
        self._of_user: dict[str, dict[JobGroup, None]] = {}
        # Users with jobs of this queue that fit nowhere as things are, and how many.
        self.parked: Mapping[str, int] = {}

    def __len__(self) -> int:
        """Return how many jobs wait."""
        return sum([len(group.keys) for group in self._groups.values()])

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self._groups

    def clear(self) -> None:
        """Let nobody wait here any more."""
        for group in self._groups.values():
            group.keys, group.order = SortedQueue(), None
        self._groups.clear()
        self._of_user.clear()
        self._heads.clear()

    def items(self) -> list[tuple[str, JobGroup]]:
        """Return all that wait, with their groups."""
        return [(key[-1], group) for group in self._groups.values() for key in group.keys]

    def groups(self) -> Iterator[tuple[JobGroup, SortedQueue]]:
        """Yield each group with its jobs in order, those that are aside too. Not to be changed."""
        return ((group, group.keys) for group in self._groups.values())

    def open_ids(self) -> Iterator[str]:
        """Yield the ids of those whose group is not aside."""
        return (
            key[-1]
            for group in self._groups.values()
            if group.order is not None
            for key in group.keys
        )

    @property
    def is_of_users(self) -> bool:
        """Whether its policy compares users before it compares jobs."""
        return self.standings is not None

    @property
    def users(self) -> int:
        """How many users have jobs here, those that fit nowhere as things are included."""
        return len(self._of_user) + sum(user not in self._of_user for user in self.parked)

    def has_user(self, user: str) -> bool:
        """Whether a job of the user waits for its turn."""
        return user in self._of_user

    def group_of(self, job: Job, shape: Shape, *, is_late: bool = False) -> JobGroup:
        """Return the group that a job belongs to; a new one when nobody waits there yet."""
        user = job.spec.user if self.standings is not None else ""
        job_type = job.spec.job_type
        found = self._groups.get((user, job_type, shape, is_late))
        if found is None:
            return JobGroup(self.path, user, job_type, shape, is_late=is_late)
        return found

    def add(self, group: JobGroup, key: JobKey) -> None:
        """Let a job wait. A group that was aside is looked at again when its first job is new."""
        if not group.keys:
            self._groups[group.user, group.job_type, group.shape, group.is_late] = group
            self._of_user.setdefault(group.user, {})[group] = None
        if group.keys.add(key):
            self._lead(group)

    def remove(self, group: JobGroup, key: JobKey) -> None:
        """Let a job wait no more."""
        keys = group.keys
        first = keys.first()
        if first is not key and first != key:
            keys.remove(key)
            return
        if keys.pop_first():
            self._lead(group)
            return
        group.order = None
        del self._groups[group.user, group.job_type, group.shape, group.is_late]
        groups = self._of_user[group.user]
        del groups[group]
        if not groups:
            del self._of_user[group.user]

    def head(self) -> tuple[str, JobGroup] | None:
        """Return the job whose turn it is, and its group; None when all are aside."""
        heads = self._heads
        while heads:
            order, _, group = heads[0]
            if group.order is order:
                return order[1][2], group
            heappop(heads)
        return None

    def put_aside(self, group: JobGroup) -> None:
        """Pass over a group until it is taken back or has another first job."""
        group.order = None

    def take_back(self, group: JobGroup) -> None:
        """Look at a group again; nothing happens when it is gone."""
        if self.is_aside(group):
            self._lead(group)

    def is_aside(self, group: JobGroup) -> bool:
        """Whether a group is there and passed over."""
        return group.order is None and len(group.keys) > 0

    def first_of(self, group: JobGroup) -> str | None:
        """Return the first job of a group; None when it is gone."""
        return group.keys.first()[2] if group.keys else None

    def order_of(self, group: JobGroup) -> Order | None:
        """Return what orders a group among the others; None when it is aside or gone."""
        return group.order

    def is_before(self, group: JobGroup, other: JobGroup) -> bool:
        """Whether the first job of a group goes before that of another, aside or not."""
        if not group.keys or not other.keys:
            return False
        return self._order(group) < self._order(other)

    def reorder(self) -> None:
        """Order all groups anew: how many users there are has changed."""
        for group in list(self._groups.values()):
            if group.order is not None:
                self._lead(group)

    def reorder_user(self, user: str) -> bool:
        """Order a user's groups anew; whether it has any here."""
        groups = self._of_user.get(user)
        for group in groups or ():
            if group.order is not None:
                self._lead(group)
        return bool(groups)

    def _lead(self, group: JobGroup) -> None:
        order = group.order = self._order(group)
        self._serial += 1
        entry = (order, self._serial, group)
        heads = self._heads
        if heads and heads[0][2] is group:
            heapreplace(heads, entry)  # what stood there of it is outdated
            return
        heappush(heads, entry)
        if len(heads) > 4 * len(self._groups) + 64:
            self._heads = [each for each in heads if each[2].order is each[0]]
            heapify(self._heads)

    def _order(self, group: JobGroup) -> Order:
        key = group.keys.first()
        if self.standings is None or group.is_late:
            return ((), key)
        return (self.standings(group.user, key[0]), key)
