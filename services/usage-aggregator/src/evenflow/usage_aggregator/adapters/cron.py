"""Resets by a cron expression in a time zone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue
from evenflow.usage_aggregator.core.window import Period

_FIELDS: Final = 5
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FOR_EVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class CronCalendar:
    """`core.window.Calendar`. A period ends with the minute's first instant, as cron starts then.

    A reset in the hour that is skipped in spring comes at its end; one in the hour that comes twice
    in autumn comes the first time only. An expression with `*` in the hour follows the wall clock
    through both.
    """

    expression: str
    zone: str = "UTC"
    _memory: dict[str, Period] = field(default_factory=dict, repr=False, compare=False)

    def check(self) -> None:
        """Judge the expression.

        Raises:
            InvalidValue: it is none, or no time ever matches it.
        """
        rule = "must be a cron expression of five fields, as `0 0 * * MON`"
        if len(self.expression.split()) != _FIELDS:
            raise InvalidValue("usage.window_cron", self.expression, rule)
        try:
            CronSim(self.expression, datetime(2026, 1, 1, tzinfo=ZoneInfo(self.zone)))
        except CronSimError as error:
            raise InvalidValue("usage.window_cron", self.expression, f"{rule}: {error}") from error
        if self._reset(datetime(2026, 1, 1, tzinfo=ZoneInfo(self.zone)), is_back=False) is None:
            raise InvalidValue("usage.window_cron", self.expression, "never comes")

    def period(self, at: Instant) -> Period | None:
        """See `Calendar`."""
        known = self._memory.get("last")
        if known is not None and known.opened_at < at <= known.closes_at:
            return known
        found = _period(self.expression, self.zone, at)
        if found is not None:
            self._memory["last"] = found
        return found

    def _reset(self, moment: datetime, *, is_back: bool) -> Instant | None:
        return _next(self.expression, moment, is_back=is_back)


@lru_cache(maxsize=256)
def _period(expression: str, zone: str, at: Instant) -> Period | None:
    # cron knows whole seconds; at a reset itself the finished period still stands.
    moment = (_EPOCH + (at + SECOND - 1) // SECOND * timedelta(seconds=1)).astimezone(
        ZoneInfo(zone)
    )
    opened_at = _next(expression, moment, is_back=True)
    if opened_at is None:
        return None
    closes_at = _next(expression, (_EPOCH + opened_at * _MICROSECOND).astimezone(ZoneInfo(zone)))
    return Period(opened_at, _FOR_EVER if closes_at is None else closes_at)


def _next(expression: str, moment: datetime, *, is_back: bool = False) -> Instant | None:
    found = next(CronSim(expression, moment, reverse=is_back), None)
    return None if found is None else (found.astimezone(UTC) - _EPOCH) // _MICROSECOND
