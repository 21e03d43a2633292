"""Fairness among real users: the LS6 log through the whole core, share error and waits by policy.

The log is found in the folder that EVENFLOW_TRACES names, else in ../shared/data.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.simulator.core_run.simulate import run_core
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.shares import share_error, share_error_of_waiting
from evenflow.simulator.trace import Trace
from evenflow.simulator.traces.ls6 import NODES, read_ls6

Row = tuple[str, str, str]
"""What, figure, aim."""
LOG: Final = Path("ls6") / "ls6-a100.log.gz"
TRACES: Final = Path(
    os.environ.get("EVENFLOW_TRACES", Path(__file__).parents[4] / "shared" / "data")
)
BASE: Final = SchedulerSettings(backfill="easy")
POLICIES: Final = {
    "fifo": BASE,
    # The weights that the log's publishers give their simulator of this machine.
    "multifactor": replace(
        BASE,
        policy="multifactor",
        weight_fair_share=4000,
        weight_age=7000,
        weight_size=100,
        weight_priority=0,
    ),
    "fairshare": replace(BASE, policy="fairshare"),
    "fairshare, run times by the user's last two": replace(
        BASE, policy="fairshare", estimates="mean2"
    ),
}
WAIT_AIM: Final = 1.05
ERROR_AIM: Final = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """One schedule in figures."""

    wait_seconds: float
    error: float
    error_of_waiting: float

    def __str__(self) -> str:
        """Return the figures of a row."""
        return (
            f"share error {self.error:.3f}, of those who wait {self.error_of_waiting:.3f}, "
            f"mean wait {self.wait_seconds:,.0f} s"
        )


def steps() -> int:
    """Return how often `tell` is told when the log is there."""
    return len(POLICIES)


def rows(log: Path = TRACES / LOG, tell: Callable[[str], None] = lambda _: None) -> Iterator[Row]:
    """Yield the table; `tell` is told what is going to be measured, for a progress bar."""
    if not log.exists():
        yield f"LS6, {NODES} nodes of 3 GPUs", f"left out: there is no {LOG}", ""
        return
    trace = read_ls6(log)
    found: dict[str, Measured] = {}
    rates: list[float] = []
    what = f"LS6, {len(trace.jobs):,} jobs on {NODES} nodes of 3 GPUs, EASY"
    for name, settings in POLICIES.items():
        tell(name)
        began = time.process_time()
        schedule = run_core(trace, settings).schedule
        # Of the processor's time: a bench of quality may share its machine.
        rates.append(len(trace.jobs) / (time.process_time() - began))
        found[name] = measured(schedule)
        yield f"{what}: {name}", str(found[name]), ""
    nobody_waits = measured(without_waiting(trace))
    yield "LS6, a machine on which nobody waits", f"share error {nobody_waits.error:.3f}", ""
    yield from _compared(found["fairshare"], found["fifo"])
    speed = f"{min(rates):,.0f} to {max(rates):,.0f} jobs a second of one processor"
    yield "LS6: speed of the whole core, users and usage included", speed, "3,000"


def measured(schedule: Schedule) -> Measured:
    """Return a schedule in figures."""
    waits = [
        start - job.submit_us
        for job, start in zip(schedule.trace.jobs, schedule.start_us, strict=True)
    ]
    return Measured(
        fmean(waits) / 1e6,
        share_error(schedule) or 0.0,
        share_error_of_waiting(schedule) or 0.0,
    )


def without_waiting(trace: Trace) -> Schedule:
    """Return the schedule of a machine that has room for all: what is left of error is demand."""
    start = [job.submit_us for job in trace.jobs]
    end = [job.submit_us + job.run_us for job in trace.jobs]
    return Schedule(trace, "nobody waits", start, end)


def _compared(fair: Measured, fifo: Measured) -> Iterator[Row]:
    error, waiting = fair.error / fifo.error, fair.error_of_waiting / fifo.error_of_waiting
    wait = fair.wait_seconds / fifo.wait_seconds
    yield "LS6: fairshare over fifo, share error", f"{error:.2f}", f"at most {ERROR_AIM}"
    yield "LS6: the same, of those who wait", f"{waiting:.2f}", ""
    yield "LS6: fairshare over fifo, mean wait", f"{wait:.2f}", f"at most {WAIT_AIM}"


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row), flush=True)
