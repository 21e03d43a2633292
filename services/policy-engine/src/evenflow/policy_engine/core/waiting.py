"""Jobs that wait: each leaf's order, the class of its head, and whose turn is next.

A leaf waits under the class of its head. What closes a class is remembered there until something
opens it; whoever joins it meanwhile is told the same.
"""

from collections.abc import Callable
from typing import Final

from evenflow.common.domain.decisions import PendingReason, ReasonCode
from evenflow.common.domain.job import Job
from evenflow.common.domain.policy import JobKey, Policy, Rank, Ranking, Standing
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.state import ShardState
from evenflow.policy_engine.core.classes import Classes, JobClass
from evenflow.policy_engine.core.leaf import GroupKey, Leaf
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.plugin_policies import (
    PolicyFailed,
    checked_choice,
    checked_key,
    checked_standing,
)
from evenflow.policy_engine.core.policies import FIFO
from evenflow.policy_engine.core.turns import Key, Place, Turns

Head = tuple[str, GroupKey]


class Waiting:
    """All leaves with jobs that wait for their turn. Its owner tells what changes."""

    def __init__(
        self,
        state: ShardState,
        *,
        policy_of: Callable[[str], Policy],
        scope_of: Callable[[str], str],
        key_of: Callable[[str], Key],
        standing_of: Callable[[str, str, int], Standing],
    ) -> None:
        """Nothing waits. `standing_of` takes leaf, user and how many users wait there."""
        self._state: Final = state
        self._policy_of: Final = policy_of
        self._scope_of: Final = scope_of
        self._key_of: Final = key_of
        self._standing_of: Final = standing_of
        self.ranking = Ranking(state.settings, 0)
        self.turns = Turns()
        self.classes = Classes()
        self.failed: dict[str, str] = {}  # policy to why it is not followed
        # Closed classes with leaves that may not have been told why, until all were.
        self.saying: dict[JobClass, None] = {}
        self._leaves: dict[str, Leaf] = {}
        self._places: dict[str, Place] = {}
        self._heads: dict[str, Head] = {}
        self._class_of: dict[str, JobClass] = {}
        self._keys: dict[str, tuple[str, GroupKey, JobKey]] = {}  # by job
        self._leaves_of_user: dict[str, dict[str, None]] = {}  # of policies of users
        self._scopes: dict[str, str] = {}
        self._passed: dict[tuple[str, GroupKey], JobClass] = {}  # leaves' groups that are aside

    def __contains__(self, job_id: str) -> bool:
        """Whether a job waits here."""
        return job_id in self._keys

    def __len__(self) -> int:
        """Return how many jobs wait here."""
        return len(self._keys)

    def add(self, job: Job, shape: Shape) -> None:
        """Let a job wait in its leaf."""
        leaf = self._leaf(job.spec.queue)
        before = leaf.users
        try:
            key = checked_key(leaf.policy, job, self.ranking)
            group = leaf.group_of(job, shape)
            self._keys[job.spec.id] = (leaf.path, group, key)
            leaf.add(group, key)
            if leaf.is_of_users:
                self._leaves_of_user.setdefault(group.user, {})[leaf.path] = None
                if leaf.users != before:
                    leaf.stand_otherwise()
        except PolicyFailed as error:
            self._keys.pop(job.spec.id, None)
            self._fall_back(error, leaf, [*self._jobs_of(leaf, but=job.spec.id), (job, shape)])
        else:
            self._follow_aside(leaf, group)
            self.settle(leaf.path)

    def remove(self, job_id: str) -> bool:
        """Let a job wait no more; whether it did."""
        found = self._keys.pop(job_id, None)
        if found is None:
            return False
        path, group, key = found
        leaf = self._leaves[path]
        try:
            if leaf.is_of_users:
                before = leaf.users
                leaf.remove(group, key)
                if leaf.users != before:
                    self._leaves_of_user[group.user].pop(path)
                    leaf.stand_otherwise()
            else:
                leaf.remove(group, key)
        except PolicyFailed as error:
            self._fall_back(error, leaf, self._jobs_of(leaf))
        else:
            self._follow_aside(leaf, group)
            self.settle(path)
        return True

    def standing_place(self, job_id: str) -> tuple[Leaf, GroupKey, JobKey] | None:
        """Return the leaf, the group and the key under which a job waits; None when it does not."""
        found = self._keys.get(job_id)
        return None if found is None else (self._leaves[found[0]], found[1], found[2])

    def leaf_users(self, path: str) -> int:
        """Return how many users wait in a leaf, as far as its policy tells them apart."""
        leaf = self._leaves.get(path)
        return 0 if leaf is None else leaf.users

    def leaves(self) -> list[str]:
        """Return the leaves in which a job waits."""
        return list(self._places)

    def head_or_none(self, path: str) -> Head | None:
        """Return the job whose turn it is in a leaf, and its group; None when all are aside."""
        return self._heads.get(path)

    def shape_of(self, job_id: str) -> Shape:
        """Return the shape under which a job waits."""
        return self._keys[job_id][1].shape

    def head_of(self, path: str) -> Head:
        """Return the job whose turn it is in a leaf, and its group."""
        return self._heads[path]

    def class_of(self, path: str) -> JobClass:
        """Return the class of a leaf's head."""
        return self._class_of[path]

    def rekey(self, path: str, key: Key) -> None:
        """A queue's place among its siblings has changed."""
        place = self._places.get(path)
        if place is not None:
            self.turns.rekey_place(place, key)
        else:
            self.turns.rekey_branch(path, key)

    def paths(self) -> list[str]:
        """Return all queues that have a place here, branches first."""
        return [*self.turns.paths(), *self._places]

    def stand_otherwise(self, user: str) -> None:
        """A user holds or has used more or less: order its jobs anew."""
        leaves = self._leaves_of_user.get(user)
        if not leaves:
            return
        for path in list(leaves):
            leaf = self._leaves[path]
            try:
                leaf.stands_otherwise(user)
            except PolicyFailed as error:
                self._fall_back(error, leaf, self._jobs_of(leaf))
            else:
                self.settle(path)

    def rank_anew(self, ranking: Ranking) -> None:
        """The usage snapshot is another: users stand otherwise, and jobs have aged."""
        self.ranking = ranking
        for path in list(self._leaves):
            leaf = self._leaves[path]
            if leaf.policy.aging_rank is not None:
                jobs = self._jobs_of(leaf)
                self._drop_leaf(path)
                for job, shape in jobs:
                    self.add(job, shape)
            elif leaf.is_of_users:
                try:
                    leaf.stand_otherwise()
                except PolicyFailed as error:
                    self._fall_back(error, leaf, self._jobs_of(leaf))
                else:
                    self.settle(path)

    def define(self, project: str) -> None:
        """Queues or quotas of a project are defined otherwise: order and judge them anew."""
        for alike in list(self.classes.below(project).values()):
            for job_class in list(alike):
                self.open(job_class)
        inside = [p for p in self._leaves if p == project or p.startswith(f"{project}/")]
        for path in inside:
            jobs = self._jobs_of(self._leaves[path])
            self._drop_leaf(path)
            for job, shape in jobs:
                self.add(job, shape)

    def open(self, job_class: JobClass) -> None:
        """Let a class have turns again, and look again at what was passed over because of it."""
        self.classes.no_room.pop(job_class, None)
        self.turns.open(job_class)
        job_class.refused_at = None
        self._take_back(job_class)

    def open_all(self) -> None:
        """Let all classes have turns again."""
        for job_class in self.classes.every():
            if not job_class.is_open:
                self.open(job_class)

    def close(self, job_class: JobClass, reason: PendingReason, refused_at: str | None) -> None:
        """Give a class no turns until it is opened; its heads are to be told why."""
        if job_class.is_open:
            self.turns.close(job_class)
        job_class.refused_at = refused_at
        if refused_at is None:
            self.classes.no_room[job_class] = None
        else:
            self.classes.no_room.pop(job_class, None)
        if job_class.reason != reason:
            job_class.reason = reason
            for path in job_class.leaves:
                job_class.unsaid[path, self._heads[path][1]] = None
            job_class.unsaid.update(job_class.asides)
        if job_class.unsaid:
            self.saying[job_class] = None
        if self._is_passed_over(job_class):
            for path in list(job_class.leaves):
                self.settle(path)
        else:
            self._take_back(job_class)

    def settle(self, path: str) -> None:
        """Find a leaf's head anew, and the class under which it waits."""
        leaf = self._leaves[path]
        while True:
            head = self._head(leaf)
            if head is None:
                self._stand(leaf, None, None)
                return
            known = self._heads.get(path)
            is_alike = known is not None and known[1] == head[1]
            job_class = self._class_of[path] if is_alike else self._class(leaf, head)
            if job_class.is_open or not self._is_passed_over(job_class):
                if not is_alike:
                    self._stand(leaf, head, job_class)
                elif head != known:  # the next of the same group stands where the last one stood
                    self._heads[path] = head
                    self._tell(job_class, path, head[1])
                return
            leaf.put_aside(head[1])
            job_class.asides[path, head[1]] = None
            self._passed[path, head[1]] = job_class
            self._tell(job_class, path, head[1])

    def to_tell(self, job_class: JobClass) -> list[str]:
        """Return the first jobs of all that may not have been told why their class is closed.

        What was passed over is told as long as its turn would come before the leaf's head: behind
        a head that waits nobody is asked.
        """
        found = []
        for path, group in job_class.unsaid:
            head = self._heads.get(path)
            leaf = self._leaves.get(path)
            if head is not None and head[1] == group:
                found.append(head[0])
            elif leaf is not None and (head is None or leaf.is_before(group, head[1])):
                first = leaf.first_of(group)
                if first is not None:
                    found.append(first)
        return found

    def _stand(self, leaf: Leaf, head: Head | None, job_class: JobClass | None) -> None:
        path = leaf.path
        before, old = self._heads.get(path), self._class_of.get(path)
        if old is not job_class:
            if old is not None and before is not None:
                self.turns.take(self._places[path])
                del old.leaves[path], self._class_of[path], self._heads[path]
                if not old.asides or (path, before[1]) not in old.asides:
                    old.unsaid.pop((path, before[1]), None)
                if not old.leaves:
                    self.classes.drop_if_unused(old)
            if job_class is not None and head is not None:
                job_class.leaves[path] = None
                self._class_of[path] = job_class
                self.turns.put(self._places[path], path.rpartition("/")[0], job_class)
        elif old is not None and before is not None and head is not None and before[1] != head[1]:
            old.unsaid.pop((path, before[1]), None)
        if head is not None and job_class is not None:
            self._heads[path] = head
            if head != before or old is not job_class:
                self._tell(job_class, path, head[1])
        if head is None and not len(leaf):
            self._forget_leaf(path)

    def _take_back(self, job_class: JobClass) -> None:
        """Look again at the groups that were passed over because of a class."""
        if job_class.asides:
            asides, job_class.asides = job_class.asides, {}
            for path, group in asides:
                job_class.unsaid.pop((path, group), None)
                self._passed.pop((path, group), None)
                leaf = self._leaves.get(path)
                if leaf is not None:
                    leaf.take_back(group)
                    self.settle(path)
            self.classes.drop_if_unused(job_class)

    def _follow_aside(self, leaf: Leaf, group: GroupKey) -> None:
        """Forget that a group was passed over once it is gone, or has another first job."""
        if not self._passed:
            return
        aside = (leaf.path, group)
        if aside in self._passed and not leaf.is_aside(group):
            job_class = self._passed.pop(aside)
            del job_class.asides[aside]
            job_class.unsaid.pop(aside, None)
            self.classes.drop_if_unused(job_class)

    def _tell(self, job_class: JobClass, path: str, group: GroupKey) -> None:
        job_class.unsaid[path, group] = None
        if not job_class.is_open:
            self.saying[job_class] = None

    def _is_passed_over(self, job_class: JobClass) -> bool:
        """Whether others of a leaf may go on although its head is of this closed class (SCH-12)."""
        reason = job_class.reason
        return not self._state.settings.strict_order or (
            reason is not None and reason.code is ReasonCode.QUOTA_TYPE
        )

    def _class(self, leaf: Leaf, head: Head) -> JobClass:
        scope = self._scopes.get(leaf.path)
        if scope is None:
            scope = self._scopes[leaf.path] = self._scope_of(leaf.path)
        return self.classes.of(head[1].shape, scope, self._state.jobs[head[0]].spec)

    def _head(self, leaf: Leaf) -> Head | None:
        if leaf.policy.selects is None:
            return leaf.head()
        jobs = sorted(
            (self._state.jobs[job_id] for job_id in leaf.open_ids()), key=lambda job: job.position
        )
        if not jobs:
            return None
        try:
            chosen = checked_choice(leaf.policy, self._state.queues[leaf.path], jobs)
        except PolicyFailed as error:
            self._fall_back(error, leaf, self._jobs_of(leaf))
            return self._leaves[leaf.path].head()
        return None if chosen is None else (chosen.spec.id, self._keys[chosen.spec.id][1])

    def _leaf(self, path: str) -> Leaf:
        leaf = self._leaves.get(path)
        if leaf is None:
            for above in lineage(path)[:-1]:
                self.turns.branch(above, self._key_of(above))
            policy = self._policy_of(path)
            if policy.name in self.failed:
                policy = FIFO
            leaf = self._leaves[path] = Leaf(path, policy)
            if policy.standing is not None:
                leaf.standings = self._standings(leaf)
            self._places[path] = Place(path, self._key_of(path))
        return leaf

    def _standings(self, leaf: Leaf) -> Callable[[str, Rank], Rank]:
        def stand(user: str, rank: Rank) -> Rank:
            standing = self._standing_of(leaf.path, user, leaf.users)
            return checked_standing(leaf.policy, standing, rank, self.ranking)

        return stand

    def _jobs_of(self, leaf: Leaf, but: str = "") -> list[tuple[Job, Shape]]:
        return [
            (self._state.jobs[job_id], group.shape)
            for job_id, group in leaf.items()
            if job_id != but and job_id in self._keys and job_id in self._state.jobs
        ]

    def _fall_back(self, error: PolicyFailed, leaf: Leaf, jobs: list[tuple[Job, Shape]]) -> None:
        """Order a queue by `fifo`, for its policy failed; so it stays until all is indexed anew."""
        self.failed[error.policy] = error.why
        self._drop_leaf(leaf.path)
        for job, shape in jobs:
            self.add(job, shape)

    def _drop_leaf(self, path: str) -> None:
        leaf = self._leaves[path]
        for job_id, group in leaf.items():
            self._keys.pop(job_id, None)
            if leaf.is_of_users:
                self._leaves_of_user.get(group.user, {}).pop(path, None)
        for aside in [each for each in self._passed if each[0] == path]:
            job_class = self._passed.pop(aside)
            del job_class.asides[aside]
            job_class.unsaid.pop(aside, None)
            self.classes.drop_if_unused(job_class)
        self._stand(leaf, None, None)
        self._forget_leaf(path)

    def _forget_leaf(self, path: str) -> None:
        if self._leaves.pop(path, None) is not None:
            self.turns.take(self._places.pop(path))
            self._scopes.pop(path, None)
