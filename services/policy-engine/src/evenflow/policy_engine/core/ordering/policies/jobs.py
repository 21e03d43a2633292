"""Policies of jobs: whose they are does not matter."""

from collections.abc import Sequence
from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy, Rank, Ranking

LEVEL: Final[Rank] = ()
"""The rank of all jobs alike: the position decides."""
_BY_DEFAULTS: Final = Ranking(SchedulerSettings(), as_of=0)


def by_position(job: Job) -> Rank:  # noqa: ARG001
    """Rank all jobs alike."""
    return LEVEL


def _by_priority(job: Job) -> Rank:
    return (-job.spec.priority,)


def _lowest_priority(running_jobs: Sequence[Job], new_job: Job) -> Job | None:
    """Return who gives way by the default threshold; the engine follows the one that is set."""
    below = new_job.spec.priority - _BY_DEFAULTS.settings.preemption_threshold
    victims = [job for job in running_jobs if job.spec.preemptible and job.spec.priority < below]
    return min(
        victims,
        key=lambda job: (job.spec.priority, -(job.started_at or 0), job.spec.id),
        default=None,
    )


def _by_duration(job: Job) -> Rank:
    """Rank by how long the job is expected to run; those that nobody knows of come last."""
    known = job.spec.estimated_duration_us or job.spec.time_limit_us
    return (1, 0) if known is None else (0, known)


def _by_start(job: Job, ranking: Ranking) -> Rank:
    """Rank by when the job must start to meet its deadline; those without one come last."""
    spec = job.spec
    if spec.deadline_at is None:
        return (1, 0)
    planned = spec.time_limit_us or spec.estimated_duration_us
    return (0, spec.deadline_at - (planned or ranking.settings.expected_duration_us))


FIFO: Final = Policy("fifo", by_position)  # SCH-06
PRIORITY: Final = Policy("priority", _by_priority, victim=_lowest_priority)  # SCH-07, SCH-08
SHORTEST_FIRST: Final = Policy("shortest-first", _by_duration)
DEADLINE: Final = Policy(  # BEY-16; a rank that ages is one that sees the settings
    "deadline", lambda job: _by_start(job, _BY_DEFAULTS), aging_rank=_by_start
)
