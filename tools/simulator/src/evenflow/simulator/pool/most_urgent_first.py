"""Jobs by urgency, anew at each instant, with EASY or no backfill behind the first that waits."""

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core import availability
from evenflow.simulator.pool.easy import fill_gaps
from evenflow.simulator.pool.forecast import Forecast
from evenflow.simulator.pool.machine import Machine
from evenflow.simulator.pool.urgency_order import UrgencyOrder


class MostUrgentFirst:
    """The most urgent start first; the first that does not fit holds the one reservation.

    Behind it those that fit are tried by shortest expectation, as long as that delays it nowhere.
    """

    def __init__(
        self, machine: Machine, forecast: Forecast, submit_us: list[int], *, backfills: bool = True
    ) -> None:
        """`submit_us` by job; `backfills`: whether it backfills at all."""
        self._machine = machine
        self._order = UrgencyOrder(machine, forecast, submit_us)
        self._backfills = backfills

    def arrive(self, job: int) -> None:
        """Let a job wait."""
        self._order.arrive(job)

    def ended(self, job: int) -> None:
        """What is expected of the same user's jobs may be another thing now."""
        self._order.ended(job)

    def start_jobs(self, now: Instant) -> None:
        """Start by urgency, then fill gaps."""
        machine, order = self._machine, self._order
        if not order.has_fitting():
            return
        waiting = order.in_order(now)
        width = machine.width
        started: list[int] = []
        for job in waiting:
            if width[job] > machine.free:
                break
            machine.begin(job, now)
            started.append(job)
        behind = waiting[len(started) :]
        if behind and machine.free and self._backfills:
            head, *others = behind
            shadow = availability.shadow_of(machine.planned_ends(), machine.free, width[head], now)
            if shadow is not None:
                expected_us = order.expected_us
                fitting = [job for job in others if machine.width[job] <= machine.free]
                fitting.sort(key=lambda job: (expected_us[job], job))
                started += fill_gaps(machine, fitting, shadow, now)[0]
        order.leave(started)
