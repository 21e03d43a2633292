"""Waiting-time targets: who waits for a start until when, and who has waited past it (BEY-16).

A job's target is that of its queue, or of the nearest queue above that has one, counted from its
submission. Only first attempts have one: who was started in time and comes back has no claim.
"""

from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.waiting.delayed_jobs import DelayedJobs


class WaitTargets:
    """Waiting jobs by when they are late, and those that are."""

    def __init__(self, state: ShardState) -> None:
        """Nothing waits."""
        self._state: Final = state
        self._of: Final[dict[str, int | None]] = {}  # by leaf, since queues were defined
        self._due: Final = DelayedJobs()
        self._late: Final[dict[str, str]] = {}  # job to leaf
        self._counts: Final[dict[str, int]] = {}  # late jobs by leaf

    def is_late(self, job_id: str) -> bool:
        """Whether a job that waits has waited past its target."""
        return job_id in self._late

    def late_in(self, leaf: str) -> int:
        """Return how many jobs of a leaf have waited past their target."""
        return self._counts.get(leaf, 0)

    def wait(self, job: Job) -> None:
        """A job waits; nothing happens when it has no target, or is late already."""
        job_id = job.spec.id
        if job_id not in self._late and job.attempt == 1:
            target = self._target_of(job.spec.queue)
            if target is not None:
                self._due.discard(job_id)
                self._due.add(job_id, job.spec.submitted_at + target)

    def forget(self, job_id: str) -> None:
        """A job waits no more, or for another target."""
        if self._due:
            self._due.discard(job_id)
        leaf = self._late.pop(job_id, None) if self._late else None
        if leaf is not None:
            self._counts[leaf] -= 1
            if not self._counts[leaf]:
                del self._counts[leaf]

    def take_due(self, now: Instant) -> list[str]:
        """Return the jobs that have come to be late since the last call, by when that was."""
        return self._due.take_due(now)

    def mark_late(self, job: Job) -> None:
        """A job has waited past its target, and waits on."""
        leaf = self._late[job.spec.id] = job.spec.queue
        self._counts[leaf] = self._counts.get(leaf, 0) + 1

    def next(self) -> Instant | None:
        """Return when the next job is late; None when none will be."""
        return self._due.next()

    def define(self) -> None:
        """Queues are defined otherwise."""
        self._of.clear()

    def _target_of(self, leaf: str) -> int | None:
        if leaf not in self._of:
            queues = self._state.queues
            found = (queues[path].target_wait_us for path in reversed(lineage(leaf)))
            self._of[leaf] = next((target for target in found if target is not None), None)
        return self._of[leaf]
