"""Which time a report covers, in whole hours or days: what is asked for, widened to those. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from evenflow.common.domain.clock import DAY, HOUR, SECOND, Instant
from evenflow.common.domain.errors import InvalidValue
from evenflow.gateway.values.instants import read_instant

STEPS: Final = {"hour": HOUR, "day": DAY, "week": 7 * DAY}
_MONDAY: Final = 4 * DAY  # 1970-01-01 was a Thursday
_DEFAULT: Final = {None: 30 * DAY, "hour": DAY, "day": 14 * DAY, "week": 12 * 7 * DAY}
_MOST_BUCKETS: Final = 2_000


@dataclass(frozen=True, slots=True)
class UsageRange:
    """From `since`, included, to `until`, excluded; in steps of `width_us`, None: as a whole."""

    since: Instant
    until: Instant
    width_us: int | None = None

    @property
    def offset_us(self) -> int:
        """An instant at which a step begins: weeks begin on Monday."""
        return _MONDAY if self.width_us == STEPS["week"] else 0

    def step_of(self, at: Instant) -> Instant:
        """Return when the step of an instant begins."""
        return self.since if self.width_us is None else _floor(at, self.width_us)


def read_range(
    since: str | None, until: str | None, by: str | None, *, now: Instant, keep_hours: timedelta
) -> UsageRange:
    """Read what a client asked for; days and weeks are those of UTC, weeks begin on Monday.

    Raises:
        InvalidValue: not such times, the end before the beginning, too many steps, or hours that
            are known by the day only.
    """
    if by is not None and by not in STEPS:
        raise InvalidValue("by", by[:40], f"must be one of {', '.join(STEPS)}")
    end = now if until is None else _read("until", until, now)
    start = end - _DEFAULT[by] if since is None else _read("since", since, now)
    if start > end:
        raise InvalidValue("since", since, "must not lie behind `until`")
    by_days_before = hours_known_from(now, keep_hours)
    width = HOUR if by is None else STEPS[by]
    if start < by_days_before:
        if by == "hour":
            known = timedelta(microseconds=now - by_days_before)
            rule = f"hours are known for {known.days} days (usage.history.keep_hours): ask by day"
            raise InvalidValue("since", since, rule)
        width = max(width, DAY)
    first, last = _floor(max(0, start), width), _ceiling(max(0, end), width)
    if by is not None and (last - first) // width > _MOST_BUCKETS:
        raise InvalidValue("by", by, f"gives more than {_MOST_BUCKETS} steps: ask for less time")
    return UsageRange(first, last, None if by is None else width)


def hours_known_from(now: Instant, keep_hours: timedelta) -> Instant:
    """Return since when usage is known hour by hour."""
    return max(0, now - round(keep_hours.total_seconds() * SECOND)) // DAY * DAY


def _read(where: str, text: str, now: Instant) -> Instant:
    try:
        seconds = float(text)
    except ValueError:
        return read_instant(where, text, now)
    return read_instant(where, seconds, now)


def _floor(at: Instant, width: int) -> Instant:
    offset = _MONDAY if width == STEPS["week"] else 0
    return (at - offset) // width * width + offset


def _ceiling(at: Instant, width: int) -> Instant:
    return _floor(at + width - 1, width)
