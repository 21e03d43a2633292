"""What a scheduling policy is: the order inside a queue, and who gives way in it (SCH-01)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from evenflow.common.domain.job import Job
from evenflow.common.domain.queue import Queue

Rank = tuple[int, ...]
"""Ascending. All ranks of one policy have the same length; integers, so that they are exact."""
JobKey = tuple[Rank, int, str]
"""Ascending: what the policy says, position in the queue, id (unique)."""


class SchedulingPolicy(Protocol):
    """The public face: pure functions over what they are given."""

    def select_next_job(self, queue: Queue, pending_jobs: Iterable[Job]) -> Job | None:
        """Return the job whose turn it is; None when none is pending."""

    def should_preempt(self, running_jobs: Sequence[Job], new_job: Job) -> Job | None:
        """Return the running job of the same queue that gives way to the new one; None: nobody."""


def nobody(running_jobs: Sequence[Job], new_job: Job) -> Job | None:  # noqa: ARG001
    """Preempt nobody."""
    return None


@dataclass(frozen=True, slots=True)
class Policy:
    """`SchedulingPolicy` as a sort key, so that the engine can keep a queue sorted.

    Registered in the family `policies` under `name`. `rank` is pure and looks only at what stays
    while a job waits: its spec, position and attempt. Equal ranks go by position.
    """

    name: str
    rank: Callable[[Job], Rank]
    victim: Callable[[Sequence[Job], Job], Job | None] = nobody

    def key(self, job: Job) -> JobKey:
        """Return the job's place in its queue."""
        return (self.rank(job), job.position, job.spec.id)

    def select_next_job(self, queue: Queue, pending_jobs: Iterable[Job]) -> Job | None:  # noqa: ARG002
        """See `SchedulingPolicy`: the first by `key`."""
        return min(pending_jobs, key=self.key, default=None)

    def should_preempt(self, running_jobs: Sequence[Job], new_job: Job) -> Job | None:
        """See `SchedulingPolicy`: what `victim` says."""
        return self.victim(running_jobs, new_job)
