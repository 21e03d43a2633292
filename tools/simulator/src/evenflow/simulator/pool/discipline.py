"""Who waits and who starts when: the part of a pool that decides."""

from typing import Protocol

from evenflow.common.domain.clock import Instant


class Discipline(Protocol):
    """Keeps the waiting jobs of a pool, and starts them. Jobs are numbered by submission."""

    def arrive(self, job: int) -> None:
        """Let a job wait."""

    def ended(self, job: int) -> None:
        """Take note that a job has ended, which has been learned from."""

    def start_jobs(self, now: Instant) -> None:
        """Start whoever may start: called once an instant, after all that happened in it."""
