"""Tasks of a job that were placed together. Pure."""

from typing import NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job


class PlacedTasks(NamedTuple):
    """The tasks `first` to `end` - 1 of an attempt, which hold their nodes since one instant.

    An attempt has one of it, and a further one for each time that it grew.
    """

    first: int
    end: int
    since: Instant


def placed_tasks_of(job: Job) -> tuple[PlacedTasks, ...]:
    """Return the current attempt's tasks by when they were placed; none when it holds nothing.

    They hold until the attempt ends: a gang gives its nodes back when its last task is over.
    """
    if not job.placement:
        return ()
    since, placed = job.placed_at or 0, len(job.placement)
    if not job.grown_at:
        return (PlacedTasks(0, placed, since),)
    firsts = [0, *(first for first, _ in job.grown_at)]
    starts = [since, *(at for _, at in job.grown_at)]
    return tuple(map(PlacedTasks, firsts, [*firsts[1:], placed], starts))
