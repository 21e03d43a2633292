"""What a simulation replays: jobs of a log, and the machine they ran on."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TraceJob:
    """One job of a log; times are microseconds since the log's first second.

    `width` counts slots of the machine: processors, whole nodes or GPUs, as the log has them.
    `run_us` is cut at `limit_us`: a machine would have stopped the job there.
    """

    job_id: str
    submit_us: int
    run_us: int
    width: int
    limit_us: int | None = None
    user: str = ""
    queue: str = "default/default"
    command: str = ""  # what was run, as far as the log tells: executable or name


@dataclass(slots=True)
class Trace:
    """The jobs of a log in its own order, and what was left out of it, by reason."""

    name: str
    slots: int  # of the machine
    jobs: list[TraceJob]
    skipped: Counter[str] = field(default_factory=Counter)
    gpus_per_slot: int = 0

    def by_submission(self) -> list[int]:
        """Return the indices of the jobs by submission time; equal times in the log's order."""
        return sorted(range(len(self.jobs)), key=lambda i: (self.jobs[i].submit_us, i))
