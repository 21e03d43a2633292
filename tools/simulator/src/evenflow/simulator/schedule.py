"""When every job of a trace started and ended in a simulation."""

from dataclasses import dataclass, field

from evenflow.simulator.trace import Trace


@dataclass(slots=True)
class Schedule:
    """One simulation's outcome; `start_us[i]` belongs to `trace.jobs[i]`, -1 when it never began.

    `events` counts submissions and ends that were worked off in `wall_seconds`.
    """

    trace: Trace
    label: str
    start_us: list[int]
    end_us: list[int]
    events: int = 0
    wall_seconds: float = 0.0
    share_error: float | None = None
    notes: dict[str, float | int | str] = field(default_factory=dict)
