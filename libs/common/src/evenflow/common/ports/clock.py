"""Time, as something that is passed in. Decides nothing."""

from typing import Protocol

from evenflow.common.domain.clock import Instant


class Clock(Protocol):
    """Wall time for facts and people, monotonic time for waiting."""

    def now(self) -> Instant:
        """The wall clock, whole microseconds since 1970 UTC; it may be set back."""

    def monotonic(self) -> float:
        """Seconds since some moment of this process; it never goes back."""
