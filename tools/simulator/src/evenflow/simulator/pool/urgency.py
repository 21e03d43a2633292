"""The order of `best`: whose wait weighs most against the run time that is expected."""

from typing import Final

from evenflow.common.domain.clock import DAY, HOUR, SECOND, Instant

HEAD_START_US: Final = 2 * HOUR
"""Added to all waits: among jobs that came just now the shortest go first."""
LEAST_US: Final = 10 * SECOND
"""Shorter jobs count as this long, as in the bounded slowdown."""
PATIENCE_US: Final = 7 * DAY
"""Who has waited longer goes before all others, in turn: nobody starves."""


def urgency(job: int, submit_us: int, expected_us: int, now: Instant) -> tuple[int, float, int]:
    """Return a job's place in line, smallest first: its expected run time over its wait."""
    waited = now - submit_us
    if waited > PATIENCE_US:
        return 0, 0.0, job
    return 1, max(expected_us, LEAST_US) / (waited + HEAD_START_US), job
