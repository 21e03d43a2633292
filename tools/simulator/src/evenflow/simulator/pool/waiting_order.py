"""The waiting jobs of a pool in the order in which they have their say."""

from typing import Protocol

from evenflow.common.domain.clock import Instant
from evenflow.simulator.pool.forecast import Forecast
from evenflow.simulator.pool.machine import Machine


class WaitingOrder(Protocol):
    """The waiting jobs in the order of their turns."""

    def arrive(self, job: int) -> None:
        """Let a job wait."""

    def ended(self, job: int) -> None:
        """Take note of an end."""

    def has_fitting(self) -> bool:
        """Whether some waiting job is no wider than what is free."""

    def in_order(self, now: Instant) -> list[int]:
        """Return who waits, who goes first at the front."""

    def leave(self, started: list[int]) -> None:
        """Forget jobs that run now."""


class ArrivalOrder:
    """First come, first served; plans are made at submission."""

    def __init__(self, machine: Machine, forecast: Forecast) -> None:
        """Begin with nobody waiting."""
        self._machine = machine
        self._forecast = forecast
        self._waiting: dict[int, None] = {}

    def arrive(self, job: int) -> None:
        """Let a job wait behind all others."""
        self._machine.plan_us[job] = self._forecast.plan(job)
        self._waiting[job] = None

    def ended(self, job: int) -> None:
        """Plans of waiting jobs stay what they are."""

    def has_fitting(self) -> bool:
        """Whether some waiting job is no wider than what is free."""
        return self._machine.has_room(self._waiting)

    def in_order(self, now: Instant) -> list[int]:  # noqa: ARG002
        """Return who waits, as they came."""
        return list(self._waiting)

    def leave(self, started: list[int]) -> None:
        """Forget jobs that run now."""
        for job in started:
            del self._waiting[job]
