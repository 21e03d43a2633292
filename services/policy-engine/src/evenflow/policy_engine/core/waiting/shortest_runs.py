"""The shortest planned run of all jobs of a shape that wait: exact, whatever was asked before."""

from collections.abc import Iterable
from typing import Final

from sortedcontainers import SortedList

from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.estimates.run_times import planned_run_us
from evenflow.policy_engine.core.placement import Shape


class ShortestRuns:
    """Planned runs by shape, of those shapes that were asked for."""

    def __init__(self) -> None:
        """No shape was asked for."""
        self._runs: Final[dict[Shape, SortedList[int]]] = {}
        self._of_job: Final[dict[str, int]] = {}

    def of(self, shape: Shape, waiting: Iterable[JobSpec]) -> int:
        """Return the shortest, microseconds; `waiting` are its jobs, read when it is asked first.

        It is what jobs say of themselves: estimates by history are not looked at.
        """
        runs = self._runs.get(shape)
        if runs is None:
            runs = self._runs[shape] = SortedList()
            for spec in waiting:
                self.add(shape, spec)
        return runs[0] if runs else 0

    def add(self, shape: Shape, spec: JobSpec) -> None:
        """A job waits."""
        runs = self._runs.get(shape)
        if runs is not None:
            planned = self._of_job[spec.id] = planned_run_us(spec)
            runs.add(planned)

    def remove(self, shape: Shape, job_id: str) -> None:
        """A job waits no more."""
        if self._runs and (planned := self._of_job.pop(job_id, None)) is not None:
            self._runs[shape].remove(planned)

    def forget(self, shape: Shape) -> None:
        """No job of the shape waits any more."""
        self._runs.pop(shape, None)
