"""Jobs that come and go: each leaf's head, and the class under which the leaf waits for it."""

from collections.abc import Callable, Iterable
from typing import Final

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy, Standing
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.ordering.plugin_policies import PolicyFailed
from evenflow.policy_engine.core.ordering.turns import Key
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.waiting.job_class import JobClass, JobGroup
from evenflow.policy_engine.core.waiting.leaf_queue import Leaf
from evenflow.policy_engine.core.waiting.leaf_turn import Head, Stand
from evenflow.policy_engine.core.waiting.waiting_view import Stands


class Heads(Stands):
    """Leaves with jobs, and whose turn it is in each of them."""

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
        super().__init__(state, policy_of=policy_of, standing_of=standing_of)
        self._state: Final = state
        self._scope_of: Final = scope_of
        self._key_of: Final = key_of

    def add(self, job: Job, shape: Shape) -> None:
        """Let a job wait in its leaf."""
        stand = self._stands.get(job.spec.queue) or self._stand_of(job.spec.queue)
        leaf = stand.leaf
        try:
            group = self._leaves.add(leaf, job, shape)
        except PolicyFailed as error:
            self._fall_back(error, leaf, (job, shape))
        else:
            self._passed.follow(leaf, group)
            self._settle(stand)

    def remove(self, job_id: str) -> bool:
        """Let a job wait no more; whether it did."""
        found = self._leaves.place_of(job_id)
        if found is None:
            return False
        group, key = found
        stand = self._stands[group.path]
        try:
            self._leaves.remove(stand.leaf, group, key)
        except PolicyFailed as error:
            self._fall_back(error, stand.leaf)
        else:
            if group.passed_by is not None:
                self._passed.follow(stand.leaf, group)
            self._settle(stand)
        return True

    def _settle(self, stand: Stand) -> None:
        """Find a leaf's head anew, and the class under which it waits."""
        leaf = stand.leaf
        self.stood[stand.path] = None
        while True:
            try:
                head = self._leaves.head(leaf)
            except PolicyFailed as error:
                self._fall_back(error, leaf)
                return
            if head is None:
                self._leave(stand)
                if leaf.is_empty:
                    self._forget(stand)
                return
            group = head[1]
            known, job_class = stand.head, stand.job_class
            is_alike = known is not None and known[1] is group
            if job_class is None or not is_alike:
                job_class = self._class(stand, head)
            if job_class.is_open or not self._is_passed_over(job_class):
                if head != known or job_class is not stand.job_class:
                    self._stand(stand, head, job_class)
                return
            self._passed.put(leaf, group, job_class)
            self._tell(job_class, group)

    def _stand(self, stand: Stand, head: Head, job_class: JobClass) -> None:
        """Let a leaf wait for its turn with this head."""
        before, old = stand.head, stand.job_class
        if old is not job_class:
            job_class.leaves[stand.path] = None
            self.turns.put(stand, job_class)
            stand.head, stand.job_class = head, job_class
            if old is not None and before is not None:
                self._left(stand, old, before[1])
        else:
            stand.head = head
            if before is not None and before[1] is not head[1]:
                job_class.unsaid.pop(before[1], None)
        self._tell(job_class, head[1])

    def _leave(self, stand: Stand) -> None:
        """Let a leaf have no turn: nobody waits in it, or all are aside."""
        head, job_class = stand.head, stand.job_class
        self.turns.take(stand)
        stand.head = stand.job_class = None
        if head is not None and job_class is not None:
            self._left(stand, job_class, head[1])

    def _left(self, stand: Stand, job_class: JobClass, group: JobGroup) -> None:
        """A leaf no longer waits in a class, where `group` was its head's."""
        del job_class.leaves[stand.path]
        if group.passed_by is not job_class:
            job_class.unsaid.pop(group, None)
        if not job_class.leaves:
            self.classes.drop_if_unused(job_class)

    def _tell(self, job_class: JobClass, group: JobGroup) -> None:
        if job_class.reason is not None:  # else all of the class are told once there is one
            job_class.unsaid[group] = None
            if not job_class.is_open:
                self.saying[job_class] = None

    def _is_passed_over(self, job_class: JobClass) -> bool:
        """Whether others of a leaf may go on although its head is of this closed class (SCH-12)."""
        reason = job_class.reason
        return not self._state.settings.strict_order or (
            reason is not None and reason.code is ReasonCode.QUOTA_TYPE
        )

    def _class(self, stand: Stand, head: Head) -> JobClass:
        job_id, group = head
        found = group.job_class
        if found is None or found.is_dropped:
            spec = self._state.jobs[job_id].spec
            found = group.job_class = self.classes.of(group.shape, stand.scope, spec)
        return found

    def _stand_of(self, path: str) -> Stand:
        """Let a leaf stand, in which nobody waited."""
        for above in lineage(path)[:-1]:
            self.turns.branch(above, self._key_of(above))
        leaf, branch = self._leaves.leaf(path), self.turns.parent_of(path)
        stand = Stand(leaf, branch, self._key_of(path), self._scope_of(path))
        self._stands[path] = stand
        return stand

    def _add_anew(self, leaf: Leaf) -> None:
        jobs = self._leaves.jobs_of(leaf)
        self._drop(leaf)
        for job, shape in jobs:
            self.add(job, shape)

    def _fall_back(self, error: PolicyFailed, leaf: Leaf, *more: tuple[Job, Shape]) -> None:
        """Order a queue by `fifo`, for its policy failed; so it stays until all is indexed anew."""
        self.failed[error.policy] = error.why
        jobs: Iterable[tuple[Job, Shape]] = (*self._leaves.jobs_of(leaf), *more)
        self._drop(leaf)
        for job, shape in jobs:
            self.add(job, shape)

    def _drop(self, leaf: Leaf) -> None:
        self._passed.forget_leaf(leaf)
        self._leaves.forget_jobs(leaf)
        stand = self._stands[leaf.path]
        self._leave(stand)
        self._forget(stand)

    def _forget(self, stand: Stand) -> None:
        self.stood[stand.path] = None
        self._leaves.drop(stand.path)
        del self._stands[stand.path]
