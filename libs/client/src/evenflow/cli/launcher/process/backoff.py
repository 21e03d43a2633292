"""How long to wait before a child is started again. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from `first_seconds` to `top_seconds`; a long enough life starts over."""

    first_seconds: float = 0.2
    top_seconds: float = 5.0
    # Longer than a service lives that fails at its start; a fault now and then is no crash loop.
    healthy_seconds: float = 10.0
    failures: int = 0

    def after(self, lived_seconds: float) -> float:
        """Return how long to wait after a child that lived so long."""
        if lived_seconds >= self.healthy_seconds:
            self.failures = 0
        # The exponent is bounded: a child may fail for weeks.
        delay = self.first_seconds * 2.0 ** min(self.failures, 16)
        self.failures += 1
        return min(delay, self.top_seconds)
