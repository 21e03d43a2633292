"""Two policies, one of each kind that Evenflow takes: a sort key, and the plain interface.

Both are pure: they look at what they are given, and at nothing else. A cycle refuses sockets, files
and processes; a policy that tries one, raises, or answers nonsense is set aside for `fifo`.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy, Rank
from evenflow.common.domain.queues.queue import Queue


def _newest(job: Job) -> Rank:
    return (-job.position,)


NEWEST_FIRST: Final = Policy("newest-first", _newest)
"""A sort key: the engine keeps the queue sorted by it, so this is the fast kind."""


class NewestOfLightest:
    """Selects the newest among jobs of the fewest tasks: slower, it is asked for every job anew."""

    name = "newest-of-lightest"

    def select_next_job(self, queue: Queue, pending_jobs: Iterable[Job]) -> Job | None:  # noqa: ARG002
        """Return the job whose turn it is; None when none is pending."""
        return min(pending_jobs, key=lambda job: (job.spec.tasks, -job.position), default=None)

    def should_preempt(self, running_jobs: Sequence[Job], new_job: Job) -> Job | None:  # noqa: ARG002
        """Return nobody: this method may be left out."""
        return None
