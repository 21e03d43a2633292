"""Backfill on three classic logs, beside what the literature says of them.

The logs are found in the folder that EVENFLOW_TRACES names, else in ../shared/data. Published
figures: with Gaussier, Glesser, Reis, Trystram, "Improving backfilling by using machine learning to
predict running times", SC '15.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from evenflow.simulator.measures import Measures, measure
from evenflow.simulator.pool import simulate_pool
from evenflow.simulator.trace import Trace
from evenflow.simulator.traces.swf import read_swf

Row = tuple[str, str, str]
"""What, ours, published or aimed at."""
FOLDER: Final = (
    Path(os.environ.get("EVENFLOW_TRACES", Path(__file__).parents[4] / "shared" / "data")) / "swf"
)
COLUMNS: Final = (("fcfs", "limit"), ("shortest", "limit"), ("shortest", "perfect"),
                  ("shortest", "mean2"))  # fmt: skip
BEST: Final = ("best", "learned")
WIDEST_AIM: Final = 1.5
SPEED_RUNS: Final = 5  # of which the median counts


@dataclass(frozen=True, slots=True)
class Log:
    """A log with its published bounded slowdowns, by `COLUMNS`, and the last one's response."""

    file: str
    machine_size: int | None
    slowdowns: tuple[float, ...]
    response_seconds: int


LOGS: Final = {
    "KTH-SP2": Log("KTH-SP2-1996-2.1-cln.swf.gz", None, (92.6, 69.4, 49.8, 62.9), 14_514),
    "SDSC-SP2": Log("SDSC-SP2-1998-4.2-cln.swf.gz", None, (87.9, 84.9, 56.8, 65.1), 25_789),
    "CTC-SP2": Log("CTC-SP2-1996-3.1-cln.swf.gz", 338, (49.6, 30.0, 17.6, 26.5), 22_454),
}


def steps() -> int:
    """Return how often `tell` is told when all logs are there."""
    return len(LOGS) * (len(COLUMNS) + 2)


def rows(folder: Path = FOLDER, tell: Callable[[str], None] = lambda _: None) -> Iterator[Row]:
    """Yield the table; `tell` is told what is going to be measured, for a progress bar."""
    for name, log in LOGS.items():
        if not (folder / log.file).exists():
            yield name, f"left out: there is no {log.file}", ""
            continue
        trace = read_swf(folder / log.file, log.machine_size)
        what = f"{name}, {len(trace.jobs):,} jobs"
        found: dict[tuple[str, str], Measures] = {}
        for column, published in zip(COLUMNS, log.slowdowns, strict=True):
            label = f"{what}: {', '.join(column)}"
            tell(label)
            found[column], _ = ours(trace, *column)
            yield label, f"slowdown {found[column].mean_bounded_slowdown:.2f}", f"{published}"
        tell(f"{what}: best, learned")
        yield from _best(what, trace, log, found[COLUMNS[0]])
        tell(f"{what}: speed")
        rate = median(ours(trace, *COLUMNS[0])[1] for _ in range(SPEED_RUNS))
        yield f"{what}: events a second, fcfs, limit", f"{rate:,.0f}", "200,000"


def ours(trace: Trace, order: str, estimate: str) -> tuple[Measures, float]:
    """Return the figures of EASY, and how many events a second of one processor were worked off."""
    began = time.process_time()
    schedule = simulate_pool(trace, backfill="easy", order=order, estimate=estimate)
    rate = schedule.events / (time.process_time() - began)
    return measure(schedule), rate


def _best(what: str, trace: Trace, log: Log, easy: Measures) -> Iterator[Row]:
    best, rate = ours(trace, *BEST)
    aim = 0.9 * log.slowdowns[-1]
    slowdown = f"slowdown {best.mean_bounded_slowdown:.2f} ({rate:,.0f} events/s)"
    yield f"{what}: best, learned", slowdown, f"at most {aim:.1f}"
    response = f"{best.mean_response_seconds:,.0f} s"
    yield f"{what}: mean response of it", response, f"at most {log.response_seconds:,} s"
    widest = best.mean_wait_seconds_widest_tenth / easy.mean_wait_seconds_widest_tenth
    yield f"{what}: wait of the widest tenth, over EASY's", f"{widest:.2f}", f"{WIDEST_AIM}"


if __name__ == "__main__":
    for row in rows():
        print("{:56} {:36} {}".format(*row), flush=True)
