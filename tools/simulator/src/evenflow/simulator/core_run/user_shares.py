"""Shares of users over a run of the core, from what each attempt held."""

from typing import Final

import numpy as np

from evenflow.common.domain.jobs.requests import whole_request
from evenflow.simulator.core_run.machine import NOBODY
from evenflow.simulator.core_run.outcome import JobOutcome, RunOutcome
from evenflow.simulator.shares import NEVER, Holdings, hours_of_shares

MOST_USERS: Final = 12  # that a series follows: those who used most


def add_user_shares(outcome: RunOutcome) -> float | None:
    """Add the series of users to those of the run; return the share error, None without users."""
    held = holdings_of_run(outcome)
    if held is None:
        return None
    series, errors = outcome.hourly, []
    followed = _heaviest(held)
    rows = {at: row for row, at in enumerate(series.at)}
    series.user_share = {held.users[user]: [0.0] * len(series.at) for user in followed}
    series.user_entitlement = [0.0] * len(series.at)
    for hour in hours_of_shares(held):
        errors.append(hour.error)
        row = rows.get(hour.at_us)
        if row is not None:
            series.user_entitlement[row] = 1.0 / len(hour.active)
            parts = dict(zip(hour.active.tolist(), hour.share.tolist(), strict=True))
            for user in followed:
                series.user_share[held.users[user]][row] = parts.get(user, 0.0)
    return float(np.mean(errors)) if errors else 0.0


def holdings_of_run(outcome: RunOutcome) -> Holdings | None:
    """Return what users held, in units of the resource that the series follow; None without users.

    Jobs of nobody in particular hold room, but have no share to be measured by.
    """
    jobs = [job for job in outcome.jobs.values() if job.spec.user != NOBODY]
    users = sorted({job.spec.user for job in jobs})
    if not users:
        return None
    number = {user: index for index, user in enumerate(users)}
    resource = outcome.hourly.resource
    present = [
        (number[job.spec.user], job.submitted_at, _began(job), job.ended_at or NEVER)
        for job in jobs
    ]
    attempts = [
        (
            number[job.spec.user],
            whole_request(job.spec).get(resource, 0),
            attempt.start,
            attempt.end,
        )
        for job in jobs
        for attempt in job.attempts
        if attempt.end is not None
    ]
    there = np.array(present, dtype=np.int64).reshape(-1, 4)
    held = np.array(attempts, dtype=np.int64).reshape(-1, 4)
    return Holdings(users, *there.T, *held.T)


def _began(job: JobOutcome) -> int:
    """Return when a job waits no more: at its first start, or its end without any."""
    return job.first_start or job.ended_at or NEVER


def _heaviest(held: Holdings) -> list[int]:
    used = np.bincount(
        held.attempt_user, held.amount * (held.end - held.start) / 1e6, len(held.users)
    )
    by_use = sorted(range(len(held.users)), key=lambda user: (-used[user], held.users[user]))
    return by_use[:MOST_USERS]
