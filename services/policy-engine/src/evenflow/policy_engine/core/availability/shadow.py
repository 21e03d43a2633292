"""The one question of backfilling: may a later job start now, or would it delay a reservation."""

from collections.abc import Iterable
from typing import NamedTuple

from evenflow.common.domain.clock import Instant


class Shadow(NamedTuple):
    """What a reservation leaves to others: `extra` slots stay free at and after `at`."""

    at: Instant
    extra: int


def may_backfill(shadow: Shadow, end: Instant, slots: int) -> bool:
    """Whether a job that fits now leaves the reservation whole: gone by then, or beside it."""
    return end <= shadow.at or slots <= shadow.extra


def shadow_of(
    ends: Iterable[tuple[Instant, int]], free: int, wanted: int, now: Instant
) -> Shadow | None:
    """Return when `wanted` slots are free at the earliest, and how many more are free then.

    Args:
        ends: when slots are expected to come free, and how many, by ascending instant; read no
            further than the answer needs. What is overdue ends now.
        free: slots that are free already.
        wanted: slots of the job that waits.
        now: the instant of the question.

    Returns:
        None when there are never enough. All ends of one instant count before `extra` is told.
    """
    at = now
    for end, gained in ends:
        if free >= wanted and end > at:
            break
        free += gained
        at = max(at, end)
    return Shadow(at, free - wanted) if free >= wanted else None
