"""Tasks of a job that were placed together. Pure."""

from typing import NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job


class Cohort(NamedTuple):
    """The tasks `first` to `end` - 1 of an attempt, which hold their nodes since one instant.

    An attempt has one cohort, and a further one for each time that it grew.
    """

    first: int
    end: int
    since: Instant


def cohorts_of(job: Job) -> tuple[Cohort, ...]:
    """Return the cohorts of the job's current attempt, in task order; none when it holds nothing.

    They hold until the attempt ends: a gang gives its nodes back when its last task is over.
    """
    if not job.placement:
        return ()
    since, placed = job.placed_at or 0, len(job.placement)
    if not job.grown_at:
        return (Cohort(0, placed, since),)
    firsts = [0, *(first for first, _ in job.grown_at)]
    starts = [since, *(at for _, at in job.grown_at)]
    return tuple(map(Cohort, firsts, [*firsts[1:], placed], starts))
