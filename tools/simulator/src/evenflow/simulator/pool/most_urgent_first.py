"""Jobs by urgency, anew at each instant, with EASY or no backfill behind the first that waits."""

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core import backfill
from evenflow.policy_engine.core.backfill import Shadow
from evenflow.simulator.pool.forecast import Forecast
from evenflow.simulator.pool.machine import Machine
from evenflow.simulator.pool.urgency_order import Outlook


class ByUrgency:
    """The most urgent start first; the first that does not fit holds the one reservation.

    Behind it those that fit are tried by shortest expectation, as long as that delays it nowhere.
    """

    def __init__(
        self, machine: Machine, forecast: Forecast, submit_us: list[int], *, fills: bool = True
    ) -> None:
        """`submit_us` by job; `fills`: whether it backfills at all."""
        self._machine = machine
        self._outlook = Outlook(machine, forecast, submit_us)
        self._fills = fills

    def arrive(self, job: int) -> None:
        """Let a job wait."""
        self._outlook.arrive(job)

    def ended(self, job: int) -> None:
        """What is expected of the same user's jobs may be another thing now."""
        self._outlook.ended(job)

    def settle(self, now: Instant) -> None:
        """Start by urgency, then fill gaps."""
        machine, outlook = self._machine, self._outlook
        if not outlook.anyone_fits():
            return
        line = outlook.in_order(now)
        width = machine.width
        started: list[int] = []
        for job in line:
            if width[job] > machine.free:
                break
            machine.begin(job, now)
            started.append(job)
        behind = line[len(started) :]
        if behind and machine.free and self._fills:
            head, *others = behind
            shadow = backfill.shadow_of(machine.to_come(), machine.free, width[head], now)
            if shadow is not None:
                started += self._fill(others, shadow, now)
        outlook.leave(started)

    def _fill(self, candidates: list[int], shadow: Shadow, now: Instant) -> list[int]:
        machine, expected_us = self._machine, self._outlook.expected_us
        width, plan_us = machine.width, machine.plan_us
        free = machine.free
        may_backfill = backfill.may_backfill
        fitting = [job for job in candidates if width[job] <= free]
        started = []
        for job in sorted(fitting, key=lambda job: (expected_us[job], job)):
            slots = width[job]
            if slots > free:
                continue
            end = now + plan_us[job]
            if not may_backfill(shadow, end, slots):
                continue
            if end > shadow.at:
                shadow = Shadow(shadow.at, shadow.extra - slots)
            machine.begin(job, now)
            started.append(job)
            free -= slots
            if not free:
                break
        return started
