"""Jobs in turn, with EASY backfill behind the first that does not fit, or with none."""

from bisect import bisect_left, insort

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core import availability
from evenflow.policy_engine.core.availability import Shadow
from evenflow.simulator.pool.easy import fill_gaps
from evenflow.simulator.pool.forecast import Forecast
from evenflow.simulator.pool.machine import Machine


class FirstCome:
    """First come, first served; the first that waits holds the one reservation.

    Later jobs that fit are tried in turn, or by shortest plan. Plans are made at submission. What
    was tried in vain is tried again only after an end or a miss: time alone lets nobody start.
    """

    def __init__(
        self, machine: Machine, forecast: Forecast, *, backfills: bool = True, by_plan: bool = False
    ) -> None:
        """`backfills`: whether it backfills at all; `by_plan`: shortest plan first when it does."""
        self._machine = machine
        self._forecast = forecast
        self._backfills = backfills
        self._is_by_plan = by_plan
        self._queue: list[int] = []
        self._by_plan: list[tuple[int, int]] = []
        self._arrived: list[int] = []
        self._shadow: Shadow | None = None
        self._changes = -1

    def arrive(self, job: int) -> None:
        """Let a job wait behind all others."""
        machine = self._machine
        plan = machine.plan_us[job] = self._forecast.plan(job)
        self._queue.append(job)
        self._arrived.append(job)
        if self._is_by_plan:
            insort(self._by_plan, (plan, job))

    def ended(self, job: int) -> None:
        """Plans of waiting jobs stay what they are."""

    def start_jobs(self, now: Instant) -> None:
        """Start heads, then whoever leaves the head's reservation whole."""
        queue, fresh, machine = self._queue, self._arrived, self._machine
        if not queue:
            return
        if machine.changes == self._changes and len(queue) > len(fresh):
            candidates = fresh  # behind a head that still waits for the same
            if self._is_by_plan and len(fresh) > 1:
                candidates = sorted(fresh, key=lambda job: (machine.plan_us[job], job))
        else:
            self._changes = machine.changes
            candidates = self._start_heads(now)
        if self._shadow is not None and machine.free and candidates:
            started, self._shadow = fill_gaps(machine, candidates, self._shadow, now)
            for job in started:
                del queue[bisect_left(queue, job)]
                self._forget_plan(job)
        self._arrived = []

    def _start_heads(self, now: Instant) -> list[int]:
        """Start from the front while there is room; reserve for the next, return those behind."""
        queue, machine = self._queue, self._machine
        width, started = machine.width, 0
        for job in queue:
            if width[job] > machine.free:
                break
            machine.begin(job, now)
            started += 1
            self._forget_plan(job)
        del queue[:started]
        self._shadow = None
        if not (queue and self._backfills and machine.free):
            return []
        head = queue[0]
        self._shadow = availability.shadow_of(
            machine.planned_ends(), machine.free, width[head], now
        )
        if self._is_by_plan:
            return [job for _, job in self._by_plan if job != head]
        return queue[1:]

    def _forget_plan(self, job: int) -> None:
        if self._is_by_plan:
            by_plan = self._by_plan
            del by_plan[bisect_left(by_plan, (self._machine.plan_us[job], job))]
