"""How long jobs are planned to run, and so when they end; limits and estimates, never hindsight."""

from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.spec import JobSpec

ENDLESS: Final[Instant] = 1 << 62
"""A planned end that never comes: of what names neither an estimate nor a limit (SCH-11)."""
OVERDUE: Final[Instant] = 0
"""A planned end that is over: what runs on past all that was planned may end at any moment."""


def planned_run_us(spec: JobSpec) -> int:
    """Return how long a job is planned to run if it starts now: its estimate within its limit."""
    estimate, limit = spec.estimated_duration_us, spec.time_limit_us
    if estimate is None:
        return ENDLESS if limit is None else limit
    return estimate if limit is None else min(estimate, limit)


def planned_end(spec: JobSpec, since: Instant, now: Instant, default_us: int) -> Instant:
    """Return when a job that runs `since` is planned to end: the first plan that is not over yet.

    The estimate comes first; at its miss the limit stands. A job without either is planned to
    run for `default_us`.
    """
    estimate, limit = spec.estimated_duration_us, spec.time_limit_us
    if estimate is None and limit is None:
        estimate = default_us
    if estimate is not None and (limit is None or estimate < limit) and since + estimate > now:
        return since + estimate
    if limit is not None and since + limit > now:
        return since + limit
    return OVERDUE


def longest_run_us(spec: JobSpec, default_us: int) -> int:
    """Return how long a job may run at most: its limit, which stops it, else what is expected."""
    return spec.time_limit_us or spec.estimated_duration_us or default_us


def latest_end(job: Job, now: Instant, default_us: int) -> Instant:
    """Return when a live job is over at the latest, as far as its limit or its estimate tells."""
    return (job.started_at or job.placed_at or now) + longest_run_us(job.spec, default_us)
