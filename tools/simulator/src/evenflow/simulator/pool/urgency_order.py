"""The waiting jobs of a pool with what is expected of them, kept as new as what was learned."""

from evenflow.common.domain.clock import Instant
from evenflow.simulator.pool.forecast import Forecast
from evenflow.simulator.pool.machine import Machine
from evenflow.simulator.pool.urgency import urgency


class UrgencyOrder:
    """Plans and expectations of waiting jobs; an end makes those of the same user anew."""

    def __init__(self, machine: Machine, forecast: Forecast, submit_us: list[int]) -> None:
        """Begin with nobody waiting."""
        self.expected_us = [0] * len(submit_us)
        self._machine = machine
        self._forecast = forecast
        self._submit_us = submit_us
        self._waiting: dict[int, None] = {}
        self._stale: set[str] = set()

    def arrive(self, job: int) -> None:
        """Let a job wait."""
        self._waiting[job] = None
        self._estimate(job)

    def ended(self, job: int) -> None:
        """Let the expectations of a user's jobs be made anew before they are next used."""
        self._stale.add(self._forecast.user(job))

    def leave(self, started: list[int]) -> None:
        """Forget jobs that run now."""
        for job in started:
            del self._waiting[job]

    def has_fitting(self) -> bool:
        """Whether some waiting job is no wider than what is free."""
        return self._machine.has_room(self._waiting)

    def in_order(self, now: Instant) -> list[int]:
        """Return the waiting jobs, the most urgent first."""
        if self._stale:
            user = self._forecast.user
            for job in self._waiting:
                if user(job) in self._stale:
                    self._estimate(job)
            self._stale.clear()
        submit, expected = self._submit_us, self.expected_us
        return sorted(self._waiting, key=lambda job: urgency(job, submit[job], expected[job], now))

    def _estimate(self, job: int) -> None:
        self._machine.plan_us[job] = self._forecast.plan(job)
        self.expected_us[job] = self._forecast.expect(job)
