"""What counters grew by, from their readings. Pure; nothing is extrapolated."""

import math
from collections.abc import Iterable
from typing import Final

from evenflow.usage_aggregator.core.series import Key

_ABSENT: Final = 10_000
"""Readings without a counter, while others were there, until it is forgotten."""
_LOOK_EVERY: Final = 1_000


class Counters:
    """The last reading of each counter. What a lost reading missed is in the next one."""

    def __init__(self) -> None:
        """Nothing was read."""
        self._last: dict[Key, tuple[float, int]] = {}
        self._readings = 0

    def begin(self, readings: Iterable[tuple[Key, float]], *, is_told: bool) -> None:
        """Take readings to count from, in place of all earlier ones.

        `is_told`: whoever counts was there, so a counter that is not among them was 0 then.
        """
        self._last = {key: (value, 0) for key, value in readings if math.isfinite(value)}
        self._readings = 1 if self._last or is_told else 0

    def read(self, readings: Iterable[tuple[Key, float]], *, is_told: bool) -> dict[Key, float]:
        """Return by how much each counter grew since its last reading.

        A counter below its last reading began anew, from 0 (USG-14). One that was never read began
        at 0 too, if whoever counts was there before; if not, it tells of no known time. What is no
        number is no reading.
        """
        found: dict[Key, float] = {}
        at, is_first = self._readings + 1, not self._readings
        for key, value in readings:
            if not math.isfinite(value) or value < 0:
                continue
            last, _ = self._last.get(key, (value if is_first else 0.0, 0))
            self._last[key] = value, at
            grown = value - last if value >= last else value
            if grown:
                found[key] = found.get(key, 0.0) + grown
            self._readings = at
        if is_told:
            self._readings = at
        if self._readings and self._readings % _LOOK_EVERY == 0:
            self._forget()
        return found

    def _forget(self) -> None:
        oldest = self._readings - _ABSENT
        self._last = {key: each for key, each in self._last.items() if each[1] >= oldest}
