"""Which cores of this machine are free, for runs that are pinned to theirs."""

import os

from evenflow.common.domain.resources import MILLI
from evenflow.common.ports.executor import RunOrder


class FreeCores:
    """Which cores no live run of this executor is pinned to. Best effort."""

    def __init__(self, usable: set[int] | None = None) -> None:
        """`usable` are the cores we may use; None: those of this process."""
        if usable is None:
            usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        self._usable = usable
        self._taken: dict[str, list[int]] = {}

    def take(self, order: RunOrder) -> list[int]:
        """Return as many free cores as the order asks for; none when it shares or too few are."""
        if order.token in self._taken:
            return self._taken[order.token]
        cores, rest = divmod(order.resources.get("cpu", 0), MILLI)
        taken = {core for cores in self._taken.values() for core in cores}
        free = sorted(self._usable - taken)
        if rest or not 0 < cores <= len(free):
            return []
        self._taken[order.token] = free[:cores]
        return free[:cores]

    def note(self, token: str, cores: list[int]) -> None:
        """Remember what a run that was started earlier holds."""
        if cores:
            self._taken.setdefault(token, cores)

    def free(self, token: str) -> None:
        """Give a run's cores back."""
        self._taken.pop(token, None)
