"""Durations and ratios as the reports write them."""

from typing import Any, Final

from evenflow.cli.display.words import rough

_UNITS: Final = (
    ("days", 86_400.0, 3.0),
    ("hours", 3600.0, 3.0),
    ("minutes", 60.0, 3.0),
    ("seconds", 1.0, 0.0),
)
_STEPS: Final = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600,
    43_200, 86_400, 172_800, 432_000, 864_000, 1_728_000, 4_320_000, 8_640_000, 17_280_000,
)  # fmt: skip
_MAGNITUDES: Final = (1, 10, 60, 600, 3600, 36_000, 86_400, 864_000, 8_640_000)
_TICKS: Final = 6
_MINUTE: Final = 60


def time_unit(span_seconds: float) -> tuple[str, float]:
    """Return the unit that a time axis of this span is read in, and its seconds."""
    return next((name, size) for name, size, least in _UNITS if span_seconds >= least * size)


def wait_word(seconds: float) -> str:
    """Return a wait: `0s`, `4.2s`, `12m`, `3h20m`."""
    if seconds != seconds:  # noqa: PLR0124 - there is none
        return "-"
    sign = "-" if seconds < 0 else ""
    size = abs(seconds)
    if 0 < size < 10:  # noqa: PLR2004 - one digit more while it tells something
        return f"{sign}{size:.1f}s"
    return sign + rough(round(size))


def signed_wait(seconds: float) -> str:
    """Return a change of a wait, with its sign."""
    if abs(seconds) < 0.05:  # noqa: PLR2004 - nothing, as it is written
        return "0s"
    return ("+" if seconds > 0 else "\u2212") + wait_word(abs(seconds))


def percent(ratio: float) -> str:
    """Return a ratio as a percentage with one decimal."""
    return f"{100 * ratio:.1f} %"


def signed_points(ratio: float) -> str:
    """Return a change of a ratio in percentage points."""
    points = round(100 * ratio, 1)
    return f"{points:+.1f} pt".replace("-", "\u2212") if points else "0 pt"


def duration_ticks(axis: Any, *, magnitudes_from: float | None = None) -> None:
    """Put ticks of a duration axis where clocks have them, not at powers of ten seconds.

    `magnitudes_from`: seconds from which on the axis is one of magnitudes.
    """
    low, high = sorted(axis.get_view_interval())
    if magnitudes_from is None:
        step = next((s for s in _STEPS if (high - low) / s <= _TICKS), _STEPS[-1])
        ticks = [index * step for index in range(int(high / step) + 1)]
    else:
        ticks = [0, *(m for m in _MAGNITUDES if magnitudes_from <= m <= high)]
    axis.set_ticks(ticks, ["0" if not tick else _tick_word(tick) for tick in ticks])


def _tick_word(seconds: float) -> str:
    return f"{seconds:g}s" if seconds < _MINUTE else rough(seconds)
