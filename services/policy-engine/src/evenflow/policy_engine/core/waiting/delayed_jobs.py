"""Jobs that wait for their time, not for their turn: retries that back off, later starts."""

from typing import Final

from sortedcontainers import SortedList

from evenflow.common.domain.clock import Instant


class DelayedJobs:
    """Ids of jobs by when they are due."""

    def __init__(self) -> None:
        """Nothing is delayed."""
        self._order: Final[SortedList[tuple[Instant, str]]] = SortedList()
        self._due: Final[dict[str, Instant]] = {}

    def __len__(self) -> int:
        """Return how many wait for their time."""
        return len(self._due)

    def add(self, job_id: str, due: Instant) -> None:
        """Delay a job until it is due."""
        self._due[job_id] = due
        self._order.add((due, job_id))

    def discard(self, job_id: str) -> None:
        """Delay a job no more; nothing happens when it is not delayed."""
        due = self._due.pop(job_id, None)
        if due is not None:
            self._order.remove((due, job_id))

    def take_due(self, now: Instant) -> list[str]:
        """Return whose time has come, by due time and id, and forget them."""
        due: list[str] = []
        while self._order and self._order[0][0] <= now:
            _, job_id = self._order.pop(0)
            del self._due[job_id]
            due.append(job_id)
        return due

    def next(self) -> Instant | None:
        """Return when the next job is due; None when none is delayed."""
        return self._order[0][0] if self._order else None
