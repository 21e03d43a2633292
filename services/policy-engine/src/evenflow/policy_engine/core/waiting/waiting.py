"""Jobs that wait: each leaf's order, the class of its head, and whose turn is next.

A leaf waits under the class of its head. What closes a class is remembered there until something
opens it; whoever joins it meanwhile is told the same.
"""

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Ranking
from evenflow.policy_engine.core.ordering.plugin_policies import PolicyFailed, is_ours
from evenflow.policy_engine.core.ordering.turns import Key
from evenflow.policy_engine.core.waiting.heads_of_line import HeadsOfLine
from evenflow.policy_engine.core.waiting.job_class import JobClass
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue
from evenflow.policy_engine.core.waiting.waiting_view import FirstJob

__all__ = ["FirstJob", "Waiting"]


class Waiting(HeadsOfLine):
    """All leaves with jobs that wait for their turn. Its owner tells what changes."""

    def promote(self, now: Instant) -> None:
        """Let jobs go first in their leaf that have waited past their target since the last call.

        Plug-in policies order their leaves by themselves.
        """
        for job_id in self.targets.take_due(now):
            found = self._leaves.place_of(job_id)
            if found is not None:
                group, _ = found
                job = self._state.jobs[job_id]
                if is_ours(self._turns[group.path].leaf.policy):
                    self.remove(job_id)
                    self.targets.mark_late(job)
                    self.add(job, group.shape)
                else:
                    self.targets.mark_late(job)

    def park(self, job: Job) -> None:
        """Let a job wait outside the order; it still counts as one of its user's."""
        self._leaves.park(job.spec.queue, job.spec.user)
        self.remove(job.spec.id)

    def unpark(self, job: Job) -> None:
        """A parked job has ended, or waits in its leaf again."""
        path = job.spec.queue
        if self._leaves.unpark(path, job.spec.user):
            leaf = self._leaves.get(path)
            if leaf is not None and leaf.is_of_users:
                self._reorder(leaf)

    def rekey(self, path: str, key: Key) -> None:
        """A queue's place among its siblings has changed."""
        turn = self._turns.get(path)
        if turn is not None:
            self.turns.rekey_place(turn, key)
        else:
            self.turns.rekey_branch(path, key)

    def rekey_along(self, levels: tuple[str, ...], keys: list[Key]) -> None:
        """The places of a leaf and of those above it have changed, from the top."""
        turn = self._turns.get(levels[-1])
        if turn is not None:
            self.turns.rekey_up(turn, keys)
            return
        for path, key in zip(levels, keys, strict=True):
            self.rekey(path, key)

    @property
    def is_of_users(self) -> bool:
        """Whether any leaf's order depends on how its users stand, or did so."""
        return self._leaves.are_of_users

    def reorder_user(self, user: str) -> None:
        """A user holds or has used more or less: order its jobs anew."""
        for leaf in self._leaves.of_user(user):
            self._reorder(leaf, user)

    def rerank(self, ranking: Ranking) -> None:
        """The usage snapshot is another: users stand otherwise, and jobs have aged."""
        self._leaves.ranking = ranking
        for leaf in self._leaves.every():
            if leaf.policy.aging_rank is not None:
                self._readd_jobs(leaf)
            elif leaf.is_of_users:
                self._reorder(leaf)

    def define(self, project: str) -> None:
        """Queues or quotas of a project are defined otherwise: order and judge them anew."""
        self.targets.define()
        for alike in list(self.classes.below(project).values()):
            for job_class in list(alike):
                self.open(job_class)
        for leaf in self._leaves.every():
            if leaf.path == project or leaf.path.startswith(f"{project}/"):
                for job, _ in self._leaves.jobs_of(leaf):
                    self.targets.forget(job.spec.id)  # the target may be another
                self._readd_jobs(leaf)

    def open(self, job_class: JobClass) -> None:
        """Let a class have turns again, and look again at what was passed over because of it."""
        self.classes.no_room.pop(job_class, None)
        self.classes.held.pop(job_class, None)
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
        self.classes.held.pop(job_class, None)
        if refused_at is None:
            self.classes.no_room[job_class] = None
        else:
            self.classes.no_room.pop(job_class, None)
        if job_class.reason != reason:
            job_class.reason = reason
            heads = [self._turns[path].head for path in job_class.leaves]
            groups = [head[1] for head in heads if head is not None]
            groups += [group for _, group in job_class.passed_over]
            job_class.untold.update(dict.fromkeys(groups))
        if job_class.untold:
            self.untold_classes[job_class] = None
        if self._is_passed_over(job_class):
            for path in list(job_class.leaves):
                self._refresh_head(self._turns[path])
        else:
            self._take_back(job_class)

    def hold(self, job_class: JobClass, reason: PendingReason) -> None:
        """Give a class no turns for one cycle: it fits, but would delay who goes first."""
        self.close(job_class, reason, None)
        del self.classes.no_room[job_class]
        self.classes.held[job_class] = None

    def fall_back(self, path: str, error: PolicyFailed) -> None:
        """Order a leaf by `fifo`, for its policy failed where it was asked something else."""
        leaf = self._leaves.get(path)
        if leaf is not None:
            self._fall_back(error, leaf)

    def tell_again(self, job_id: str) -> None:
        """A job was told something else than why its class is closed."""
        found = self._leaves.place_of(job_id)
        if found is None:
            return
        group, _ = found
        turn = self._turns[group.path]
        if turn.head is not None and turn.head[1] is group and turn.job_class is not None:
            self._tell(turn.job_class, group)
        elif group.passed_by is not None:
            self._tell(group.passed_by, group)

    def _take_back(self, job_class: JobClass) -> None:
        """Look again at the groups that were passed over because of a class."""
        if job_class.passed_over:
            for group in self._passed_over.take(job_class):
                turn = self._turns.get(group.path)
                if turn is not None:
                    turn.leaf.take_back(group)
                    self._refresh_head(turn)
            self.classes.drop_if_unused(job_class)

    def _reorder(self, leaf: LeafQueue, user: str | None = None) -> None:
        """Order a leaf's users anew, or one of them."""
        try:
            if user is None:
                leaf.reorder()
            else:
                leaf.reorder_user(user)
        except PolicyFailed as error:
            self._fall_back(error, leaf)
        else:
            self._refresh_head(self._turns[leaf.path])
