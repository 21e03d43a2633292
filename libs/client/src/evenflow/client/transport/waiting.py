"""How often a waiting client looks: at once after something moved, ever less while nothing does."""

import time
from collections.abc import Callable
from typing import Final

ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "timeout"})
"""Statuses in which a job stays."""

_SHORTEST_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 1.0


class WaitPace:
    """The pauses between looks at one thing."""

    def __init__(
        self, timeout_seconds: float | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`timeout_seconds` counts from now."""
        self._monotonic = monotonic
        self._until = None if timeout_seconds is None else monotonic() + timeout_seconds
        self._seconds = _SHORTEST_SECONDS

    def next_seconds(self, *, has_moved: bool) -> float:
        """Return how long to pause.

        Raises:
            TimeoutError: the time is over.
        """
        if has_moved:
            self._seconds = _SHORTEST_SECONDS
        pause = self._seconds
        self._seconds = min(_LONGEST_SECONDS, self._seconds * 1.3)
        if self._until is None:
            return pause
        left = self._until - self._monotonic()
        if left <= 0:
            raise TimeoutError("it has not ended in time")
        return min(pause, left)
