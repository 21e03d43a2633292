"""Durations as people write them, read into whole microseconds. Pure; decides no defaults."""

import re
from decimal import Decimal
from typing import Final

from evenflow.common.domain.errors import InvalidValue

_UNITS_US: Final = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_NUMBER: Final = r"\d{1,12}(?:\.\d{1,6})?"
_BARE: Final = re.compile(_NUMBER)
_TERM: Final = re.compile(rf"({_NUMBER})(ms|s|m|h|d|w)")
_SUM: Final = re.compile(rf"(?:{_NUMBER}(?:ms|s|m|h|d|w))+")
_LONGEST_US: Final = 100 * 365 * _UNITS_US["d"]  # a century: beyond it a typing error is likelier
_RULE: Final = "must be a duration such as 500ms, 90s, 1h30m or 2w (a bare number is seconds)"


def parse_duration_us(text: str, field: str) -> int:
    """Read a duration into whole microseconds, exactly.

    Accepts `ms s m h d w`, sums of them (`1h30m`), and a bare number as seconds.

    Raises:
        InvalidValue: not a duration, negative, finer than a microsecond, or longer than a century.
    """
    compact = "".join(text.split())
    if compact.startswith("-"):
        raise InvalidValue(field, text, "must not be negative")
    if _BARE.fullmatch(compact):
        compact += "s"
    if not _SUM.fullmatch(compact):
        raise InvalidValue(field, text, _RULE)
    total = sum(
        (Decimal(number) * _UNITS_US[unit] for number, unit in _TERM.findall(compact)), Decimal(0)
    )
    if total != int(total):
        raise InvalidValue(field, text, "is finer than a microsecond")
    if total > _LONGEST_US:
        raise InvalidValue(field, text, "is longer than a century")
    return int(total)


def format_duration(duration_us: int) -> str:
    """Return the shortest sum of units that reads back as the same duration; `0s` for none.

    What is finer than a millisecond is written as a fraction of one.
    """
    parts: list[str] = []
    rest = duration_us
    for unit in ("w", "d", "h", "m", "s"):
        count, rest = divmod(rest, _UNITS_US[unit])
        if count:
            parts.append(f"{count}{unit}")
    if rest:
        parts.append(f"{Decimal(rest) / _UNITS_US['ms']:f}ms")
    return "".join(parts) or "0s"
