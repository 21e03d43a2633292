"""The clocks of this machine."""

import time

from evenflow.common.domain.clock import Instant


class SystemClock:
    """`ports.clock.Clock` on the operating system's clocks."""

    def now(self) -> Instant:
        """Return the wall clock in whole microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Return seconds that never go back; they go on while the process is stopped."""
        return time.monotonic()
