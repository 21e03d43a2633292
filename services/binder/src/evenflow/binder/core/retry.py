"""When to call a cluster again that did not answer, and when to give up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """All in wall seconds. `force_after` None: a run that may be alive is never let go of."""

    first_delay: float = 0.5
    longest_delay: float = 10.0
    give_up_after: float = 60.0  # a start; then its job may try again elsewhere
    force_after: float | None = None  # a cancel (JOB-09), only where a cluster can be out of reach
    confirm_after: float = 60.0  # a stop that was accepted is asked for again


@dataclass(frozen=True, slots=True)
class Failures:
    """Calls for one run that failed one after the other."""

    since: float
    count: int = 1

    def more(self) -> "Failures":
        """One more failed."""
        return Failures(self.since, self.count + 1)

    def lasted(self, now: float) -> float:
        """Return for how many seconds calls have failed."""
        return now - self.since

    def delay(self, retry_policy: RetryPolicy, at_least: float = 0.0) -> float:
        """Return the seconds until the next call: doubling, and at least `at_least`."""
        doubled = retry_policy.first_delay * (1 << min(self.count - 1, 16))
        return max(at_least, min(retry_policy.longest_delay, doubled))
