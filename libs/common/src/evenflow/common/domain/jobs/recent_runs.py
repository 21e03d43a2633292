"""The last runs of every user that came to their end: what run times are estimated by. Pure.

A function of the log that is bounded: only the newest runs of a user are kept, and only the users
whose jobs ended last.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

from evenflow.common.domain.jobs.job import Job, JobState

RUNS_KEPT: Final = 16  # of one user
USERS_KEPT: Final = 20_000
_TELLING: Final = (JobState.SUCCEEDED, JobState.FAILED, JobState.TIMEOUT)


class PastRun(NamedTuple):
    """One attempt that ended by itself or at its limit."""

    run_us: int
    limit_us: int | None
    tasks: int
    name: str


RecentRuns = OrderedDict[str, list[PastRun]]
"""By user, the one whose job ended last comes last; runs oldest first."""


def note_run(recent: RecentRuns, job: Job, ended_at: int) -> str | None:
    """Remember an attempt that is over, if its end tells how long such a job runs.

    What was stopped, lost or never started tells nothing, and of failed attempts only the last.

    Returns:
        The user whose runs are forgotten for it; mostly None.
    """
    target = JobState.SUCCEEDED if job.ending is None else job.ending.target
    if target not in _TELLING or job.started_at is None:
        return None
    spec = job.spec
    runs = recent.pop(spec.user, [])
    run_us = max(0, ended_at - job.started_at)
    runs.append(PastRun(run_us, spec.time_limit_us, spec.tasks, spec.name))
    del runs[:-RUNS_KEPT]
    recent[spec.user] = runs
    return recent.popitem(last=False)[0] if len(recent) > USERS_KEPT else None
