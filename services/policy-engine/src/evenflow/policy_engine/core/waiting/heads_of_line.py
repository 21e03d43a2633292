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
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue
from evenflow.policy_engine.core.waiting.leaf_turn import Head, LeafTurn
from evenflow.policy_engine.core.waiting.waiting_view import WaitingView


class HeadsOfLine(WaitingView):
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
        turn = self._turns.get(job.spec.queue) or self._new_turn(job.spec.queue)
        leaf = turn.leaf
        try:
            group = self._leaves.add(leaf, job, shape)
        except PolicyFailed as error:
            self._fall_back(error, leaf, (job, shape))
        else:
            self._passed_over.follow(leaf, group)
            self._refresh_head(turn)

    def remove(self, job_id: str) -> bool:
        """Let a job wait no more; whether it did."""
        found = self._leaves.place_of(job_id)
        if found is None:
            return False
        group, key = found
        turn = self._turns[group.path]
        try:
            self._leaves.remove(turn.leaf, group, key)
        except PolicyFailed as error:
            self._fall_back(error, turn.leaf)
        else:
            if group.passed_by is not None:
                self._passed_over.follow(turn.leaf, group)
            self._refresh_head(turn)
        return True

    def _refresh_head(self, turn: LeafTurn) -> None:
        """Find a leaf's head anew, and the class under which it waits."""
        leaf = turn.leaf
        self.changed_heads[turn.path] = None
        while True:
            try:
                head = self._leaves.head(leaf)
            except PolicyFailed as error:
                self._fall_back(error, leaf)
                return
            if head is None:
                self._clear_head(turn)
                if leaf.is_empty:
                    self._forget(turn)
                return
            group = head[1]
            known, job_class = turn.head, turn.job_class
            is_alike = known is not None and known[1] is group
            if job_class is None or not is_alike:
                job_class = self._class(turn, head)
            if job_class.is_open or not self._is_passed_over(job_class):
                if head != known or job_class is not turn.job_class:
                    self._set_head(turn, head, job_class)
                return
            self._passed_over.put(leaf, group, job_class)
            self._tell(job_class, group)

    def _set_head(self, turn: LeafTurn, head: Head, job_class: JobClass) -> None:
        """Let a leaf wait for its turn with this head."""
        before, old = turn.head, turn.job_class
        if old is not job_class:
            job_class.leaves[turn.path] = None
            self.turns.put(turn, job_class)
            turn.head, turn.job_class = head, job_class
            if old is not None and before is not None:
                self._leave_class(turn, old, before[1])
        else:
            turn.head = head
            if before is not None and before[1] is not head[1]:
                job_class.untold.pop(before[1], None)
        self._tell(job_class, head[1])

    def _clear_head(self, turn: LeafTurn) -> None:
        """Let a leaf have no turn: nobody waits in it, or all are aside."""
        head, job_class = turn.head, turn.job_class
        self.turns.take(turn)
        turn.head = turn.job_class = None
        if head is not None and job_class is not None:
            self._leave_class(turn, job_class, head[1])

    def _leave_class(self, turn: LeafTurn, job_class: JobClass, group: JobGroup) -> None:
        """A leaf no longer waits in a class, where `group` was its head's."""
        del job_class.leaves[turn.path]
        if group.passed_by is not job_class:
            job_class.untold.pop(group, None)
        if not job_class.leaves:
            self.classes.drop_if_unused(job_class)

    def _tell(self, job_class: JobClass, group: JobGroup) -> None:
        if job_class.reason is not None:  # else all of the class are told once there is one
            job_class.untold[group] = None
            if not job_class.is_open:
                self.untold_classes[job_class] = None

    def _is_passed_over(self, job_class: JobClass) -> bool:
        """Whether others of a leaf may go on although its head is of this closed class (SCH-12)."""
        reason = job_class.reason
        return not self._state.settings.strict_order or (
            reason is not None and reason.code is ReasonCode.QUOTA_TYPE
        )

    def _class(self, turn: LeafTurn, head: Head) -> JobClass:
        job_id, group = head
        found = group.job_class
        if found is None or found.is_dropped:
            spec = self._state.jobs[job_id].spec
            found = group.job_class = self.classes.of(group.shape, turn.scope, spec)
        return found

    def _new_turn(self, path: str) -> LeafTurn:
        """Let a leaf stand, in which nobody waited."""
        for above in lineage(path)[:-1]:
            self.turns.branch(above, self._key_of(above))
        leaf, branch = self._leaves.leaf(path), self.turns.parent_of(path)
        turn = LeafTurn(leaf, branch, self._key_of(path), self._scope_of(path))
        self._turns[path] = turn
        return turn

    def _readd_jobs(self, leaf: LeafQueue) -> None:
        jobs = self._leaves.jobs_of(leaf)
        self._drop(leaf)
        for job, shape in jobs:
            self.add(job, shape)

    def _fall_back(self, error: PolicyFailed, leaf: LeafQueue, *more: tuple[Job, Shape]) -> None:
        """Order a queue by `fifo`, for its policy failed; so it stays until all is indexed anew."""
        self.failed[error.policy] = error.why
        jobs: Iterable[tuple[Job, Shape]] = (*self._leaves.jobs_of(leaf), *more)
        self._drop(leaf)
        for job, shape in jobs:
            self.add(job, shape)

    def _drop(self, leaf: LeafQueue) -> None:
        self._passed_over.forget_leaf(leaf)
        self._leaves.forget_jobs(leaf)
        turn = self._turns[leaf.path]
        self._clear_head(turn)
        self._forget(turn)

    def _forget(self, turn: LeafTurn) -> None:
        self.changed_heads[turn.path] = None
        self._leaves.drop(turn.path)
        del self._turns[turn.path]
