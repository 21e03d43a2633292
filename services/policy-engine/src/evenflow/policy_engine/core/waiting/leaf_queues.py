"""The leaves in which jobs wait, each in the order of its policy."""

from collections.abc import Callable
from typing import Final

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import JobKey, Policy, Rank, Ranking, Standing
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.ordering.plugin_policies import (
    PolicyFailed,
    checked_choice,
    checked_key,
    checked_standing,
    is_ours,
)
from evenflow.policy_engine.core.ordering.policies import FIFO
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.waiting.job_class import JobGroup
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue
from evenflow.policy_engine.core.waiting.leaf_turn import Head
from evenflow.policy_engine.core.waiting.shortest_runs import ShortestRuns
from evenflow.policy_engine.core.waiting.wait_targets import WaitTargets


class LeafQueues:
    """Leaves by path, made with their first job and dropped by their owner.

    Whatever asks a policy may raise `PolicyFailed`. The leaf is to be dropped then, and its jobs
    added anew once the failure is noted: they are ordered by `fifo`.
    """

    def __init__(
        self,
        state: ShardState,
        *,
        policy_of: Callable[[str], Policy],
        standing_of: Callable[[str, str, int], Standing],
    ) -> None:
        """Nothing waits. `standing_of` takes leaf, user and how many users wait there."""
        self._state: Final = state
        self._policy_of: Final = policy_of
        self._standing_of: Final = standing_of
        self.ranking = Ranking(state.settings, 0)
        self.targets: Final = WaitTargets(state)
        self.failed: Final[dict[str, str]] = {}  # policy to why it is not followed
        self._leaves: Final[dict[str, LeafQueue]] = {}
        self._keys: Final[dict[str, tuple[JobGroup, JobKey]]] = {}  # by job
        self._of_user: Final[dict[str, dict[str, None]]] = {}  # of policies of users
        # Jobs that fit nowhere as things are, by leaf and user: they count as waiting users.
        self._parked: Final[dict[str, dict[str, int]]] = {}
        # All groups by their shape, by leaf.
        self.crowd: Final[dict[Shape, dict[tuple[str, JobGroup], None]]] = {}
        self._shortest: Final = ShortestRuns()

    def __contains__(self, job_id: str) -> bool:
        """Whether a job waits here."""
        return job_id in self._keys

    def __len__(self) -> int:
        """Return how many jobs wait here."""
        return len(self._keys)

    def get(self, path: str) -> LeafQueue | None:
        """Return a leaf; None when no job waits there."""
        return self._leaves.get(path)

    def every(self) -> list[LeafQueue]:
        """Return all leaves."""
        return list(self._leaves.values())

    def leaf(self, path: str) -> LeafQueue:
        """Return a leaf, which is made when it is not there."""
        leaf = self._leaves.get(path)
        if leaf is None:
            policy = self.policy_in(path)
            leaf = self._leaves[path] = LeafQueue(path, policy)
            leaf.parked = self._parked.setdefault(path, {})
            if policy.standing is not None:
                leaf.standings = self._standings(leaf)
        return leaf

    def policy_in(self, path: str) -> Policy:
        """Return the policy by which a leaf orders its jobs, or will."""
        policy = self._policy_of(path)
        return FIFO if policy.name in self.failed else policy

    def place_of(self, job_id: str) -> tuple[JobGroup, JobKey] | None:
        """Return the group and the key under which a job waits; None when it does not."""
        return self._keys.get(job_id)

    @property
    def are_of_users(self) -> bool:
        """Whether the order of any leaf depends on users, or did so."""
        return bool(self._of_user)

    def of_user(self, user: str) -> list[LeafQueue]:
        """Return the leaves whose order depends on how a user stands."""
        return [self._leaves[path] for path in self._of_user.get(user, ())]

    def jobs_of(self, leaf: LeafQueue, but: str = "") -> list[tuple[Job, Shape]]:
        """Return the jobs of a leaf that the state still knows, with their shapes."""
        return [
            (self._state.jobs[job_id], group.shape)
            for job_id, group in leaf.items()
            if job_id != but and job_id in self._keys and job_id in self._state.jobs
        ]

    def add(self, leaf: LeafQueue, job: Job, shape: Shape) -> JobGroup:
        """Let a job wait in a leaf; return its group."""
        job_id = job.spec.id
        before = leaf.users if leaf.standings is not None else 0
        is_late = self.targets.is_late(job_id) and is_ours(leaf.policy)
        # An empty rank is before all others.
        key = checked_key(leaf.policy, job, self.ranking)
        key = ((), key[1], key[2]) if is_late else key
        group = leaf.group_of(job, shape, is_late=is_late)
        self._keys[job_id] = (group, key)
        if not group.keys:
            self.crowd.setdefault(shape, {})[leaf.path, group] = None
        self._shortest.add(shape, job.spec)
        try:
            leaf.add(group, key)
            if leaf.is_of_users:
                self._of_user.setdefault(group.user, {})[leaf.path] = None
                if leaf.users != before:
                    leaf.reorder()
        except PolicyFailed:
            del self._keys[job_id]
            self._shortest.remove(shape, job_id)
            raise
        self.targets.wait(job)
        return group

    def remove(self, leaf: LeafQueue, group: JobGroup, key: JobKey) -> None:
        """Let a job that waits in a leaf wait no more."""
        del self._keys[key[2]]
        self.targets.forget(key[2])
        self._shortest.remove(group.shape, key[2])
        before = leaf.users if leaf.standings is not None else 0
        leaf.remove(group, key)
        if group.keys:
            return
        self._forget_group(leaf, group)
        if leaf.standings is not None:
            if not leaf.has_user(group.user):
                self._of_user[group.user].pop(leaf.path)
            if leaf.users != before:
                leaf.reorder()

    def park(self, path: str, user: str) -> None:
        """A job of a leaf is about to wait elsewhere, for it fits nowhere as things are."""
        parked = self._parked.setdefault(path, {})
        parked[user] = parked.get(user, 0) + 1

    def unpark(self, path: str, user: str) -> bool:
        """A job is parked no more; whether a leaf has fewer users now."""
        parked, leaf = self._parked[path], self._leaves.get(path)
        before = 0 if leaf is None else leaf.users
        parked[user] -= 1
        if not parked[user]:
            del parked[user]
        return leaf is not None and leaf.users != before

    def head(self, leaf: LeafQueue) -> Head | None:
        """Return the job whose turn it is in a leaf; None when all are aside or none is chosen."""
        if leaf.policy.selects is None:
            return leaf.head()
        jobs = sorted(
            (self._state.jobs[job_id] for job_id in leaf.open_ids()), key=lambda job: job.position
        )
        if not jobs:
            return None
        chosen = checked_choice(leaf.policy, self._state.queues[leaf.path], jobs)
        return None if chosen is None else (chosen.spec.id, self._keys[chosen.spec.id][0])

    def forget_jobs(self, leaf: LeafQueue) -> None:
        """Let none of a leaf's jobs wait any more."""
        for job_id, group in leaf.items():
            if self._keys.pop(job_id, None) is not None:
                self._shortest.remove(group.shape, job_id)
            if leaf.is_of_users:
                self._of_user.get(group.user, {}).pop(leaf.path, None)
        for group, _ in leaf.groups():
            self._forget_group(leaf, group)
        leaf.clear()

    def drop(self, path: str) -> None:
        """Forget a leaf, in which no job waits any more."""
        self._leaves.pop(path, None)

    def _forget_group(self, leaf: LeafQueue, group: JobGroup) -> None:
        groups = self.crowd.get(group.shape)
        if groups is not None:
            groups.pop((leaf.path, group), None)
            if not groups:
                del self.crowd[group.shape]
                self._shortest.forget(group.shape)

    def shortest_of(self, shape: Shape) -> int:
        """Return the shortest run, microseconds, that a waiting job of the shape plans."""
        return self._shortest.of(
            shape,
            (
                self._state.jobs[key[2]].spec
                for _, group in self.crowd.get(shape, ())
                for key in group.keys
            ),
        )

    def _standings(self, leaf: LeafQueue) -> Callable[[str, Rank], Rank]:
        def standing_rank(user: str, rank: Rank) -> Rank:
            standing = self._standing_of(leaf.path, user, leaf.users)
            return checked_standing(leaf.policy, standing, rank, self.ranking)

        return standing_rank
