"""Policies of jobs: whose they are does not matter."""

from typing import Final

from evenflow.common.domain.job import Job
from evenflow.common.domain.policy import Policy, Rank

LEVEL: Final[Rank] = ()
"""The rank of all jobs alike: the position decides."""


def by_position(job: Job) -> Rank:  # noqa: ARG001
    """Rank all jobs alike."""
    return LEVEL


def _by_priority(job: Job) -> Rank:
    return (-job.spec.priority,)


def _by_duration(job: Job) -> Rank:
    """Rank by how long the job is expected to run; those that nobody knows of come last."""
    known = job.spec.estimated_duration_us or job.spec.time_limit_us
    return (1, 0) if known is None else (0, known)


FIFO: Final = Policy("fifo", by_position)  # SCH-06
PRIORITY: Final = Policy("priority", _by_priority)  # SCH-07
SHORTEST_FIRST: Final = Policy("shortest-first", _by_duration)
