"""The machine of a pool: what is free, who runs, and until when that is planned."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from heapq import heappush

from evenflow.common.domain.clock import Instant


class Machine:
    """Slots that are all alike. Jobs are numbers; times are microseconds.

    `run_us` is what jobs will take. Only ends look at it, never what decides.
    """

    __slots__ = (
        "changes",
        "ends",
        "free",
        "misses",
        "plan_us",
        "planned_end",
        "run_us",
        "running",
        "start",
        "width",
    )

    def __init__(self, slots: int, width: list[int], run_us: list[int]) -> None:
        """Begin with everything free."""
        self.free = slots
        self.width = width
        self.run_us = run_us
        self.plan_us = [0] * len(width)  # how long each job is planned to run once it starts
        self.start = [-1] * len(width)
        self.planned_end = [-1] * len(width)
        self.running: list[tuple[Instant, int]] = []  # by planned end
        self.ends: list[tuple[Instant, int]] = []  # heap
        self.misses: list[tuple[Instant, int]] = []  # heap: who still runs at the planned end
        self.changes = 0  # ends and misses so far: what was planned before may not hold any more

    def begin(self, job: int, now: Instant) -> None:
        """Start a job that fits."""
        self.free -= self.width[job]
        self.start[job] = now
        run, plan = self.run_us[job], self.plan_us[job]
        self._plan(job, now + plan)
        heappush(self.ends, (now + run, job))
        if run > plan:
            heappush(self.misses, (now + plan, job))

    def end(self, job: int) -> None:
        """Free what a job held."""
        self.changes += 1
        self.free += self.width[job]
        self._unplan(job)

    def miss(self, job: int, plan_us: int) -> None:
        """Plan a running job anew, `plan_us` from its start."""
        self.changes += 1
        self._unplan(job)
        start = self.start[job]
        self._plan(job, start + plan_us)
        if self.run_us[job] > plan_us:
            heappush(self.misses, (start + plan_us, job))

    def has_room(self, jobs: Iterable[int]) -> bool:
        """Whether some of the jobs is no wider than what is free."""
        free, width = self.free, self.width
        return free > 0 and any(width[job] <= free for job in jobs)

    def planned_ends(self) -> Iterator[tuple[Instant, int]]:
        """Yield planned ends, ascending, with the slots that come free."""
        width = self.width
        return ((end, width[job]) for end, job in self.running)

    def _plan(self, job: int, end: Instant) -> None:
        self.planned_end[job] = end
        insort(self.running, (end, job))

    def _unplan(self, job: int) -> None:
        running = self.running
        del running[bisect_left(running, (self.planned_end[job], job))]
