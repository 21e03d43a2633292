"""Exactly who held what for how long, by hours and days: integers until the last step. Pure.

An attempt counts from the instant at which all its tasks ran to the end of its last one; tasks by
which a gang grew count from their own placement. So says the exporter, too.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from evenflow.common.domain.clock import DAY, HOUR, SECOND, Instant
from evenflow.common.domain.fold.folded import AttemptEnd
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks, placed_tasks_of
from evenflow.common.domain.jobs.requests import request_between
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.resources import units_per_base

HOURS_SPLIT: Final = 24 * 400
"""An attempt is known hour by hour for so many hours before its end, before that day by day."""


class Held(NamedTuple):
    """A request that was held between two instants."""

    request: Mapping[str, int]
    start: Instant
    end: Instant


class Span(NamedTuple):
    """An hour or a day, and whose usage of what is meant."""

    start_at: Instant
    width_us: int
    queue: str
    user: str
    resource: str
    project: str


Amounts = dict[Span, int]
"""In units of `resources` times microseconds."""


def held_by(end: AttemptEnd) -> Iterator[Held]:
    """Yield what an attempt that is over has held; nothing when it never ran."""
    if end.started_at is not None:
        yield from _held(end.spec, end.placed_tasks, end.started_at, end.ended_at)


def held_until(job: Job, now: Instant) -> Iterator[Held]:
    """Yield what the live attempt of a job has held up to now."""
    if job.is_live and job.started_at is not None:
        yield from _held(job.spec, placed_tasks_of(job), job.started_at, now)


def _held(
    spec: JobSpec, placed_tasks: tuple[PlacedTasks, ...], started_at: Instant, end: Instant
) -> Iterator[Held]:
    for first, last, since in placed_tasks:
        start = max(started_at, since) if first else started_at
        if start < end:
            yield Held(request_between(spec, first, last), start, end)


def add_by_hours(amounts: Amounts, spec: JobSpec, held: Held) -> None:
    """Add what was held to its hours; to its days, where they lie far back."""
    fine_from = (held.end // HOUR - HOURS_SPLIT) * HOUR // DAY * DAY
    for width, start, end in (
        (DAY, held.start, min(held.end, fine_from)),
        (HOUR, max(held.start, fine_from), held.end),
    ):
        at = start
        while at < end:
            begin = at // width * width
            until = min(end, begin + width)
            for name, amount in held.request.items():
                if amount:
                    key = Span(begin, width, spec.queue, spec.user, name, spec.project)
                    amounts[key] = amounts.get(key, 0) + amount * (until - at)
            at = until


def in_seconds(resource: str, amount: int) -> float:
    """Return units times microseconds as base units times seconds."""
    return amount / (SECOND * units_per_base(resource))
