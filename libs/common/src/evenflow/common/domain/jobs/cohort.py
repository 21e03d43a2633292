"""Tasks of a job that were placed together, and what tasks of a job ask for. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job, JobSpec


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


def requests_of(spec: JobSpec, first: int, end: int) -> list[Mapping[str, int]]:
    """Return what each of the tasks `first` to `end` - 1 asks for, as `request_of_task` says."""
    if not spec.groups:
        return [spec.resources] * (end - first)
    every: list[Mapping[str, int]] = []
    for group in spec.groups:
        every += [group.resources] * group.least
    for group in spec.groups:
        every += [group.resources] * (group.tasks - group.least)
    return every[first:end]


def request_between(spec: JobSpec, first: int, end: int) -> dict[str, int]:
    """Return what the tasks `first` to `end` - 1 ask for together."""
    if not spec.groups:
        count = end - first
        return {name: amount * count for name, amount in spec.resources.items()}
    total: dict[str, int] = {}
    for request in requests_of(spec, first, end):
        for name, amount in request.items():
            total[name] = total.get(name, 0) + amount
    return total
