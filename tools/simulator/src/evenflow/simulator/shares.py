"""Who had how much of what was used, hour by hour, against an equal share: the share error.

At each whole hour, counted from the first submission, the users with pending or running jobs are
looked at, n of them. Usage is integrated exactly from start to end and counts half when it is
`half_life_us` old; a user's share is its part of what these users have used. The error of the hour
is half the sum of |share - 1/n|, that of a schedule the mean over its hours with such users. While
none of them has used anything they all stand alike, and the error is 0.

Who asks for little has a small share whatever a scheduler does, so most of that error is demand.
The error of those who wait is the same over users with pending jobs alone, at hours with two of
them or more: all of these want more than they have, and the order among them is the scheduler's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenflow.common.domain.clock import DAY, HOUR
from evenflow.simulator.schedule import Schedule

HALF_LIFE_US: Final = 2 * DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Holdings:
    """Jobs and attempts of users, who are numbered from 0. Times are microseconds.

    A job is there from `submit` to `gone`, and waits until `began`, when it first starts; what
    never happens is at `NEVER`. An attempt holds `amount` from `start` to `end`.
    """

    users: Sequence[str]
    job_user: Ints
    submit: Ints
    began: Ints
    gone: Ints
    attempt_user: Ints
    amount: Ints
    start: Ints
    end: Ints


NEVER: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class HourOfShares:
    """One whole hour: the users with jobs, and the part of each; all 0 while nobody used any.

    `waits` says which of them have a pending job.
    """

    at_us: int
    active: Ints
    share: Floats
    waits: NDArray[np.bool_]

    @property
    def error(self) -> float:
        """Return half the sum of the distances to an equal share, 0..1."""
        return _distance(self.share)

    @property
    def error_of_waiting(self) -> float | None:
        """Return the same over those who wait; None when fewer than two do."""
        share = self.share[self.waits]
        return _distance(share) if len(share) > 1 else None


def _distance(share: Floats) -> float:
    total = share.sum()
    if not total:
        return 0.0
    return float(np.abs(share / total - 1.0 / len(share)).sum()) / 2


def share_error(schedule: Schedule) -> float | None:
    """Return the mean error over the hours of a schedule; None when its log names no user."""
    held = holdings_of(schedule)
    return None if held is None else mean_error(hours_of_shares(held))


def share_error_of_waiting(schedule: Schedule) -> float | None:
    """Return the mean error of those who wait; None when the log names no user."""
    held = holdings_of(schedule)
    if held is None:
        return None
    errors = (hour.error_of_waiting for hour in hours_of_shares(held))
    return _mean([error for error in errors if error is not None])


def mean_error(hours: Iterable[HourOfShares]) -> float:
    """Return the mean over hours; 0 when there is none."""
    return _mean([hour.error for hour in hours])


def _mean(errors: list[float]) -> float:
    return float(np.mean(errors)) if errors else 0.0


def holdings_of(schedule: Schedule) -> Holdings | None:
    """Return what users held in a schedule, `width` slots a job; None without users."""
    jobs = schedule.trace.jobs
    users = sorted({job.user for job in jobs if job.user})
    if not users:
        return None
    number = {user: index for index, user in enumerate(users)}
    # Jobs of nobody in particular hold slots, but have no share to be measured by.
    known = [index for index, job in enumerate(jobs) if job.user]
    user = _ints([number[jobs[index].user] for index in known])
    start = _ints([schedule.start_us[index] for index in known])
    end = _ints([schedule.end_us[index] for index in known])
    ran = start >= 0
    return Holdings(
        users,
        user,
        _ints([jobs[index].submit_us for index in known]),
        np.where(ran, start, NEVER),
        np.where(ran, end, NEVER),
        user[ran],
        _ints([jobs[index].width for index in known])[ran],
        start[ran],
        end[ran],
    )


def hours_of_shares(held: Holdings, *, half_life_us: int = HALF_LIFE_US) -> Iterator[HourOfShares]:
    """Yield each whole hour at which somebody had a job, in order."""
    if not len(held.submit):
        return
    users, begin = len(held.users), int(held.submit.min())
    last = max(int(held.submit.max()), int(held.end.max(initial=begin)))
    hours = (last - begin) // HOUR + 1
    came = _ByHour(_first_hour(held.submit - begin), held.job_user, hours)
    began = _ByHour(_hour_of(held.began, begin, hours), held.job_user, hours)
    gone = _ByHour(_hour_of(held.gone, begin, hours), held.job_user, hours)
    used = _used_by_hour(held, begin, hours, half_life_us)
    fade = float(np.exp2(-HOUR / half_life_us))
    jobs, waiting, usage = np.zeros(users, np.int64), np.zeros(users, np.int64), np.zeros(users)
    for hour in range(hours):
        new = np.bincount(came.owners(hour), minlength=users)
        jobs += new - np.bincount(gone.owners(hour), minlength=users)
        waiting += new - np.bincount(began.owners(hour), minlength=users)
        usage *= fade
        usage += np.bincount(used.owners(hour), used.weights(hour), users)
        active = np.flatnonzero(jobs)
        if len(active):
            parts = usage[active]
            total = parts.sum()
            share = parts / total if total else parts
            yield HourOfShares(begin + hour * HOUR, active, share, waiting[active] > 0)


class _ByHour:
    """Entries of users, to be had by the hour."""

    def __init__(self, hour: Ints, owner: Ints, hours: int, weight: Floats | None = None) -> None:
        order = np.argsort(hour, kind="stable")
        self._owner = owner[order]
        self._weight = np.ones(0) if weight is None else weight[order]
        self._from = np.searchsorted(hour[order], np.arange(hours + 1))

    def owners(self, hour: int) -> Ints:
        return self._owner[self._from[hour] : self._from[hour + 1]]

    def weights(self, hour: int) -> Floats:
        return self._weight[self._from[hour] : self._from[hour + 1]]


def _used_by_hour(held: Holdings, begin: int, hours: int, half_life_us: int) -> _ByHour:
    """Cut attempts at whole hours, each piece decayed to the hour that ends it."""
    start, end = held.start - begin, held.end - begin
    first, last = start // HOUR + 1, _first_hour(end)
    pieces = np.maximum(last - first + 1, 0)
    attempt = np.repeat(np.arange(len(start)), pieces)
    nth = np.arange(len(attempt)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    hour = first[attempt] + nth
    until_hour = hour * HOUR
    newest = (until_hour - np.minimum(end[attempt], until_hour)) / half_life_us
    oldest = (until_hour - np.maximum(start[attempt], until_hour - HOUR)) / half_life_us
    amount = held.amount[attempt] * (np.exp2(-newest) - np.exp2(-oldest))  # times a constant
    return _ByHour(hour, held.attempt_user[attempt], hours, amount)


def _first_hour(time: Ints) -> Ints:
    """Return the first whole hour that is not before each time."""
    return -(-time // HOUR)


def _hour_of(time: Ints, begin: int, hours: int) -> Ints:
    """Return the first whole hour that is not before each time; what never comes is after all."""
    return np.where(time == NEVER, hours, _first_hour(time - begin))


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)
