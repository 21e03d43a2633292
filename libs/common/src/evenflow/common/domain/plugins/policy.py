"""What a scheduling policy is: the order inside a queue, and who gives way in it (SCH-01)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.resources import Resources

Rank = tuple[int, ...]
"""Ascending. All ranks of one policy have the same length; integers, so that they are exact."""
JobKey = tuple[Rank, int, str]
"""Ascending: what the policy says, position in the queue, id (unique)."""
PARTS = 1_000_000_000
"""Ratios reach policies as whole billionths, so that they are exact."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one user of a queue stands, in billionths; all zero when history is unavailable.

    What was started since the usage snapshot counts at once with its whole expected cost, and with
    its real cost once it has ended, until a snapshot covers it (the entry penalty).
    """

    user: str
    usage: int  # dominant normalised decayed usage, in all queues
    queue_usage: int  # the same, of this queue alone
    allocated: int  # dominant share of the cluster that the user's live jobs hold
    users: int  # users with pending jobs in this queue


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
class Ranking:
    """What a rank may look at besides the job: what stays until the next usage snapshot."""

    settings: SchedulerSettings
    as_of: Instant  # when the usage snapshot in use was taken; 0: there is none
    capacity: Resources = field(default_factory=dict)  # of the cluster, as that snapshot says


@dataclass(frozen=True, slots=True)
class Policy:
    """`SchedulingPolicy` as a sort key, so that the engine can keep a queue sorted.

    Registered in the family `policies` under `name`. `rank` is pure and looks only at what stays
    while a job waits: its spec, position and attempt. Equal ranks go by position.

    `standing` makes it a policy of users: jobs of one user are sorted by `rank`, and the user goes
    first whose `standing(how the user stands, rank of the user's first job)` is least.
    `aging_rank`, when given, stands for `rank` and is asked again at every usage snapshot.
    """

    name: str
    rank: Callable[[Job], Rank]
    victim: Callable[[Sequence[Job], Job], Job | None] = nobody
    standing: Callable[[Standing, Rank, Ranking], Rank] | None = None
    aging_rank: Callable[[Job, Ranking], Rank] | None = None
    # Of a plug-in that has nothing but `select_next_job`: asked for each job anew, so it is slow.
    selects: Callable[[Queue, Sequence[Job]], Job | None] | None = None

    def key(self, job: Job, ranking: Ranking | None = None) -> JobKey:
        """Return the job's place in its queue, or among its user's jobs."""
        if self.aging_rank is not None and ranking is not None:
            return (self.aging_rank(job, ranking), job.position, job.spec.id)
        return (self.rank(job), job.position, job.spec.id)

    def select_next_job(self, queue: Queue, pending_jobs: Iterable[Job]) -> Job | None:
        """See `SchedulingPolicy`: what `selects` says, else the first by `key`."""
        if self.selects is not None:
            return self.selects(queue, tuple(pending_jobs))
        return min(pending_jobs, key=self.key, default=None)

    def should_preempt(self, running_jobs: Sequence[Job], new_job: Job) -> Job | None:
        """See `SchedulingPolicy`: what `victim` says."""
        return self.victim(running_jobs, new_job)
