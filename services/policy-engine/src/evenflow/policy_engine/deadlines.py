"""Which deadlines were missed: those of jobs that had not ended when they passed. For metrics."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import TERMINAL, Job
from evenflow.policy_engine.core.waiting.delayed_jobs import DelayedJobs


@dataclass(slots=True)
class Deadlines:
    """Jobs that have not ended, by deadlines that have not passed."""

    _due: DelayedJobs = field(default_factory=DelayedJobs)
    _queue_of: dict[str, str] = field(default_factory=dict)

    def begin(self, jobs: Iterable[Job], now: Instant) -> None:
        """Follow these jobs from now on; what has passed was counted by who led then."""
        self._due, self._queue_of = DelayedJobs(), {}
        self.accept(job for job in jobs if (job.spec.deadline_at or 0) > now)

    def accept(self, jobs: Iterable[Job]) -> None:
        """Jobs were submitted."""
        for job in jobs:
            if job.spec.deadline_at is not None:
                self._queue_of[job.spec.id] = job.spec.queue
                self._due.add(job.spec.id, job.spec.deadline_at)

    def forget_ended(self, jobs: Iterable[Job]) -> None:
        """Jobs moved; those that ended late are missed all the same."""
        for job in jobs:
            job_id, deadline = job.spec.id, job.spec.deadline_at
            if deadline is None or job.state not in TERMINAL or job_id not in self._queue_of:
                continue
            if (job.finished_at or 0) <= deadline:
                self._due.discard(job_id)
                del self._queue_of[job_id]

    def take_missed(self, now: Instant) -> list[str]:
        """Return the queues of the jobs whose deadline has passed since the last call."""
        return [self._queue_of.pop(job_id) for job_id in self._due.take_due(now)]
