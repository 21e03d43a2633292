"""Instants as clients state them and as they are shown to them, and durations. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue

LONGEST_SECONDS: Final = 100 * 365 * 86_400
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_RULE: Final = "must be a time such as 2026-12-01T08:00:00Z, or seconds from now"


def read_instant(where: str, value: float | str, now: Instant) -> Instant:
    """Read a time; one without an offset is in UTC. Seconds count from `now`.

    Raises:
        InvalidValue: neither, or more than a century away.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            at = (moment - _EPOCH) // _MICROSECOND
        except (ValueError, OverflowError) as error:
            raise InvalidValue(where, value[:80], _RULE) from error
    else:
        if not abs(value) <= LONGEST_SECONDS:
            raise InvalidValue(where, value, "must be at most a century away")
        at = now + round(value * SECOND)
    if not abs(at - now) <= LONGEST_SECONDS * SECOND:
        raise InvalidValue(where, value, "must be at most a century away")
    return at


def iso(at: Instant) -> str:
    """Return an instant as ISO 8601 text in UTC; instants beyond year 9999 are cut there."""
    try:
        moment = _EPOCH + timedelta(microseconds=at)
    except OverflowError:
        moment = datetime.max.replace(microsecond=at % SECOND, tzinfo=UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def iso_or_none(at: Instant | None) -> str | None:
    """Return an instant as text; None when there is none."""
    return None if at is None else iso(at)


def shown_instant(at: Instant) -> str:
    """Return an instant to the minute, in UTC; what no calendar has is shown as it is."""
    try:
        moment = _EPOCH + timedelta(seconds=at // SECOND)
    except OverflowError:
        return str(at)
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def seconds_or_none(duration_us: int | None) -> float | None:
    """Return a duration in seconds; None when there is none."""
    return None if duration_us is None else duration_us / SECOND
