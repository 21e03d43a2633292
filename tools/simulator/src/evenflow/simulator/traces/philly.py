"""A log of GPU jobs in virtual clusters, in the columns of the reduced Philly traces, to a trace.

A header line, then `timestamp,duration,num_gpus,gpu_time,cluster`: submission (naive wall clock),
run time in seconds, cards, their product, and the virtual cluster. Rows are in no order of time.
"""

import math
from pathlib import Path
from typing import Final, NamedTuple

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.queues.queue import check_path
from evenflow.simulator.trace import Trace, TraceJob
from evenflow.simulator.traces.text import lines_of, local_us

GPUS: Final = 2490
"""Cards of the whole system as it was published; the log itself does not say."""
COLUMNS: Final = ("timestamp", "duration", "num_gpus", "gpu_time", "cluster")
MALFORMED: Final = "malformed line"
NO_RUN_TIME: Final = "no run time"
NO_GPUS: Final = "no GPUs"
TOO_WIDE: Final = "wider than the machine"
_LONGEST_SECONDS: Final = 10**10


class _Row(NamedTuple):
    line: int
    submit_us: int  # since some instant
    run_us: int
    gpus: int
    queue: str


def read_philly(path: str | Path, gpus: int = GPUS) -> Trace:
    """Read a log for a machine of so many cards, in the log's order.

    A virtual cluster is a project, and its jobs go to its queue `default`. No limit is known and no
    user. A job is known by the number of its line.

    Raises:
        InvalidValue: the file cannot be read or holds no job, or the machine has no card.
    """
    if gpus < 1:
        raise InvalidValue("machine_size", gpus, "must be at least 1 GPU")
    trace = Trace(Path(path).name, gpus, [], gpus_per_slot=1)
    rows: list[_Row] = []
    for number, line in enumerate(lines_of(path), start=1):
        parts = [part.strip() for part in line.split(",")]
        if not line.strip() or tuple(parts) == COLUMNS:
            continue
        found = _read(number, parts, gpus)
        if isinstance(found, str):
            trace.skipped[found] += 1
        else:
            rows.append(found)
    if not rows:
        rule = f"holds no job: its columns are {', '.join(COLUMNS)}"
        raise InvalidValue("trace", str(path), rule)
    begin = min(row.submit_us for row in rows)
    trace.jobs = [
        TraceJob(str(row.line), row.submit_us - begin, row.run_us, row.gpus, queue=row.queue)
        for row in rows
    ]
    return trace


def _read(line: int, parts: list[str], machine: int) -> _Row | str:
    """Return a row, or why it is left out."""
    if len(parts) != len(COLUMNS):
        return MALFORMED
    stamp, duration, cards, _, cluster = parts
    try:
        submit, run = local_us(stamp), float(duration)
        gpus, queue = int(cards), f"{cluster}/default"
        check_path(queue)
    except (ValueError, OverflowError, InvalidValue):
        return MALFORMED
    if not math.isfinite(run) or run > _LONGEST_SECONDS:
        return MALFORMED
    flaws = {NO_RUN_TIME: run <= 0, NO_GPUS: gpus <= 0, TOO_WIDE: gpus > machine}
    flaw = next((reason for reason, is_so in flaws.items() if is_so), None)
    return flaw or _Row(line, submit, max(1, round(run * SECOND)), gpus, queue)
