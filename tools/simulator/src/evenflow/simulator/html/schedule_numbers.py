"""A schedule as arrays, and the few things that all parts of its report share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evenflow.common.domain.clock import SECOND
from evenflow.simulator.html.page import Key
from evenflow.simulator.html.palette import series
from evenflow.simulator.schedule import Schedule

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScheduleNumbers:
    """A schedule as arrays, in seconds; jobs that never started are left out."""

    label: str
    submit: Floats
    start: Floats
    end: Floats
    width: Floats
    user: NDArray[np.str_]

    @property
    def wait(self) -> Floats:
        """From submission to start."""
        return self.start - self.submit


def numbers_of(schedule: Schedule) -> ScheduleNumbers:
    """Return a schedule's numbers; its first submission is at 0."""
    start = np.array(schedule.start_us, dtype=np.float64)
    ran = start >= 0
    jobs = schedule.trace.jobs
    first = min((job.submit_us for job in jobs), default=0)

    def seconds(values: Sequence[int]) -> Floats:
        return (np.array(values, dtype=np.float64)[ran] - first) / SECOND

    return ScheduleNumbers(
        schedule.label,
        seconds([job.submit_us for job in jobs]),
        seconds(schedule.start_us),
        seconds(schedule.end_us),
        np.array([job.width for job in jobs], dtype=np.float64)[ran],
        np.array([job.user for job in jobs], dtype=np.str_)[ran],
    )


def slowdown_of(found: ScheduleNumbers) -> Floats:
    """Return the bounded slowdown of each job."""
    run = found.end - found.start
    return np.maximum(1.0, (found.wait + run) / np.maximum(10.0, run))


def keys_of(labels: Sequence[str], mark: str = "line") -> list[Key]:
    """Return what the colours of the schedules stand for."""
    return [Key(label, series(index), mark) for index, label in enumerate(labels)]


def mean_or_zero(waits: Floats) -> float:
    """Return the mean, 0 of nothing."""
    return float(waits.mean()) if len(waits) else 0.0


def shortened(name: str, most: int = 14) -> str:
    """Return a name as long as there is room for."""
    return name if len(name) <= most else f"{name[: most - 1]}\u2026"
