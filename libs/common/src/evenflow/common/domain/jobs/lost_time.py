"""GPU time that is lost when jobs are stopped for others: they begin anew. Pure.

It is counted in thousandths of GPU-seconds. The last hour is kept by minutes, so it is a function
of the log that costs the same however many jobs were stopped.
"""

from typing import Final

from evenflow.common.domain.clock import HOUR, SECOND, Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request

MINUTE: Final = 60 * SECOND
MINUTES_KEPT: Final = HOUR // MINUTE

LostTime = dict[int, int]
"""By minute since 1970."""


def lost_by_stopping(job: Job, now: Instant) -> int:
    """Return what an attempt has used that runs; rounded up, so that no GPU time is free."""
    gpus = whole_request(job.spec, len(job.placement)).get("gpu", 0)
    if not gpus or job.started_at is None:
        return 0
    return -(-gpus * max(0, now - job.started_at) // SECOND)


def note_lost(lost: LostTime, job: Job, now: Instant) -> None:
    """Count a job that is stopped for others; forget what lies more than an hour back."""
    minute = now // MINUTE
    lost[minute] = lost.get(minute, 0) + lost_by_stopping(job, now)
    for old in [each for each in lost if each < minute - MINUTES_KEPT]:
        del lost[old]


def lost_within_hour(lost: LostTime, now: Instant) -> int:
    """Return what was lost in the last hour, up to a minute more."""
    first = now // MINUTE - MINUTES_KEPT
    return sum(amount for minute, amount in lost.items() if minute >= first)
