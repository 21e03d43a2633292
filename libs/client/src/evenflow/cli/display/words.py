"""Times, durations and amounts as people say them. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from evenflow.common.domain.resources import format_amount

NOTHING: Final = "-"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_AGO: Final = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"))
_FIRST: Final = ("cpu", "memory", "gpu")
_FEW: Final = 10
_KIB: Final = 1024


def instant(text: str) -> datetime:
    """Read an instant as REST writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def size(number: float) -> str:
    """Return bytes as people say them: `3.2 GiB`."""
    for unit in ("B", "KiB", "MiB"):
        if abs(number) < _KIB:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= _KIB
    return f"{number:.1f} GiB"


def seconds_between(begin: str | None, end: str | None) -> float | None:
    """Return how long it is from one instant to another; None when one of them is missing."""
    if begin is None or end is None:
        return None
    return (instant(end) - instant(begin)).total_seconds()


def ago(at: str | None, now: datetime) -> str:
    """Return how long ago an instant was, roughly: `12s ago`."""
    if at is None:
        return NOTHING
    seconds = (now - instant(at)).total_seconds()
    return "now" if seconds < 1 else f"{rough(seconds)} ago"


def rough(seconds: float) -> str:
    """Return a duration in its largest unit, and the next one while the first is small."""
    whole = int(seconds)
    for size, unit in _AGO:
        if whole >= size:
            count, rest = divmod(whole, size)
            smaller, below = _below(unit)
            if count < _FEW and smaller and rest >= smaller:
                return f"{count}{unit}{rest // smaller}{below}"
            return f"{count}{unit}"
    return f"{whole}s"


def _below(unit: str) -> tuple[int, str]:
    return {"d": (_HOUR, "h"), "h": (_MINUTE, "m"), "m": (1, "s")}[unit]


def lasting(seconds: float | None) -> str:
    """Return a measured duration: milliseconds while they matter, `4.2s`, then `1m05s`."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f}s"
    return rough(seconds)


def amounts(resources: Mapping[str, int] | None, *, separator: str = ", ") -> str:
    """Return a vector of resources in words, cpu, memory and gpu first: `cpu 0.5, memory 1Gi`."""
    if resources is None:
        return NOTHING
    names = sorted(resources, key=lambda name: (name not in _FIRST, name))
    ordered = [name for name in _FIRST if name in resources]
    ordered += [name for name in names if name not in _FIRST]
    return separator.join(f"{name} {amount(name, resources[name])}" for name in ordered)


def amount(name: str, value: int) -> str:
    """Return one amount; memory in its largest unit, one decimal at most."""
    if name != "memory":
        return format_amount(name, value)
    for unit, size in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return str(value)


def limit_word(value: Any) -> str:
    """Return a limit; absent means there is none."""
    return "no limit" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def percent(ratio: float) -> str:
    """Return a ratio as a percentage."""
    return f"{100 * ratio:.0f} %"


def count(number: int, noun: str) -> str:
    """Return `1 job`, `2 jobs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
