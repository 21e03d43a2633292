"""Points in time as people type them: `4h` from now, or a date with a time, in UTC."""

import re
from datetime import datetime

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.durations import parse_duration_us
from evenflow.common.domain.errors import InvalidValue

_DATE = re.compile(r"\d{4}-\d\d-\d\d.*")


def past_time(text: str, option: str) -> float | str:
    """Read `now`, how long ago as a duration, or an ISO time, as the gateway takes it.

    Raises:
        InvalidValue: none of them.
    """
    try:
        found = point_in_time(text, option)
    except InvalidValue as error:
        rule = "must be as 2026-12-01T08:00 (UTC), or how long ago such as 7d"
        raise InvalidValue(option, text, rule) from error
    return -found if isinstance(found, float) else found


def point_in_time(text: str, option: str) -> float | str:
    """Read `now`, a duration from now, or an ISO time, as the gateway takes it.

    Raises:
        InvalidValue: none of them.
    """
    typed = text.strip()
    if typed == "now":
        return 0.0
    if not _DATE.fullmatch(typed):
        try:
            return parse_duration_us(typed, option) / SECOND
        except InvalidValue as error:
            rule = "must be as 2026-12-01T08:00 (UTC), or a duration from now such as 4h"
            raise InvalidValue(option, text, rule) from error
    try:
        datetime.fromisoformat(typed)
    except ValueError as error:
        raise InvalidValue(option, text, "must be a time such as 2026-12-01T08:00 (UTC)") from error
    return typed
