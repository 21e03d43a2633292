"""What a schedule is worth, in the figures that the literature compares."""

from dataclasses import asdict, dataclass, field
from math import fsum
from typing import Any, Final

from evenflow.common.domain.clock import SECOND
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.shares import share_error

SHORTEST_US: Final = 10 * SECOND
"""Shorter runs count as this long, so that a second's wait is no slowdown of a hundred."""
_WIDEST: Final = 10  # one of so many


@dataclass(frozen=True, slots=True)
class Measures:
    """One schedule in figures; waits and responses in seconds. Jobs that never started are apart.

    Bounded slowdown is max(1, (wait + run) / max(10 s, run)). Utilisation is the part of the
    machine that ran jobs from the first submission to the last end.
    """

    policy: str
    jobs: int
    mean_wait_seconds: float
    mean_bounded_slowdown: float
    max_bounded_slowdown: float
    mean_wait_seconds_widest_tenth: float
    mean_response_seconds: float
    utilisation_ratio: float
    share_error: float | None  # where users are known
    never_started: int
    skipped: dict[str, int]
    events: int
    events_per_second: float
    notes: dict[str, float | int | str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it for JSON; no user known: without `share_error`."""
        found = asdict(self)
        if self.share_error is None:
            del found["share_error"]
        return found


def measure(schedule: Schedule) -> Measures:
    """Return the figures of a schedule; all are 0 when no job started."""
    trace = schedule.trace
    ran = [i for i, start in enumerate(schedule.start_us) if start >= 0]
    waits = [schedule.start_us[i] - trace.jobs[i].submit_us for i in ran]
    runs = [schedule.end_us[i] - schedule.start_us[i] for i in ran]
    slowdowns = [
        max(1.0, (wait + run) / max(SHORTEST_US, run))
        for wait, run in zip(waits, runs, strict=True)
    ]
    by_width = sorted(range(len(ran)), key=lambda n: -trace.jobs[ran[n]].width)  # stable
    widest = by_width[: max(1, len(ran) // _WIDEST)] if ran else []
    wall = schedule.wall_seconds
    return Measures(
        policy=schedule.label,
        jobs=len(trace.jobs),
        mean_wait_seconds=_mean(waits) / SECOND,
        mean_bounded_slowdown=_mean(slowdowns),
        max_bounded_slowdown=max(slowdowns, default=0.0),
        mean_wait_seconds_widest_tenth=_mean([waits[n] for n in widest]) / SECOND,
        mean_response_seconds=(_mean(waits) + _mean(runs)) / SECOND,
        utilisation_ratio=_utilisation(schedule, ran, runs),
        share_error=share_error(schedule),
        never_started=len(trace.jobs) - len(ran),
        skipped=dict(sorted(trace.skipped.items())),
        events=schedule.events,
        events_per_second=schedule.events / wall if wall > 0 else 0.0,
        notes=dict(schedule.notes),
    )


def _utilisation(schedule: Schedule, ran: list[int], runs: list[int]) -> float:
    jobs = schedule.trace.jobs
    if not ran or schedule.trace.slots <= 0:
        return 0.0
    begin = min(jobs[i].submit_us for i in ran)
    span = max(schedule.end_us[i] for i in ran) - begin
    used = sum(jobs[i].width * run for i, run in zip(ran, runs, strict=True))
    return used / (schedule.trace.slots * span) if span > 0 else 0.0


def _mean(values: list[int] | list[float]) -> float:
    return fsum(values) / len(values) if values else 0.0
