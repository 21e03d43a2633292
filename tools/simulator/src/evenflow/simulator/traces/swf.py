"""The Standard Workload Format to a trace: any log, known only by what its header says.

`;` starts a header line; a job is 18 fields separated by blanks, -1 is unknown, times are seconds.
Source: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
"""

from pathlib import Path
from typing import Final

from evenflow.cli.replay_trace.swf import (
    FIELDS,
    MALFORMED,
    NO_PROCESSORS,
    NO_RUN_TIME,
    NO_SUBMIT,
    TOO_WIDE,
)
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.trace import Trace, TraceJob
from evenflow.simulator.traces.text import lines_of

NO_LIMIT: Final = "no requested time"
_SIZES: Final = ("MaxProcs", "MaxNodes")
_MOST_SECONDS: Final = 10**10


def read_swf(path: str | Path, machine_size: int | None = None) -> Trace:
    """Read a log in its own order.

    Processors are those requested, else those allocated; what runs past its requested time is cut
    there. Left out, and counted by reason: what is wider than the machine, did not run, asks for
    no time, or was not submitted.

    Args:
        path: a file, gzipped or not.
        machine_size: processors of the machine; None: what the header says.

    Raises:
        InvalidValue: the file cannot be read or holds no job, or nobody says how large the machine
            is.
    """
    if machine_size is not None and machine_size < 1:
        raise InvalidValue("machine_size", machine_size, "must be at least 1")
    header: dict[str, str] = {}
    rows: list[list[str]] = []
    for line in lines_of(path):
        text = line.strip()
        if text.startswith(";"):
            key, colon, value = text.lstrip(";").partition(":")
            if colon and key.strip() in _SIZES:
                header.setdefault(key.strip(), value.strip())
        elif text:
            rows.append(text.split())
    slots = machine_size or _size(header, path)
    trace = Trace(Path(path).name, slots, [])
    for parts in rows:
        found = _job(parts, slots)
        if isinstance(found, str):
            trace.skipped[found] += 1
        else:
            trace.jobs.append(found)
    if not trace.jobs:
        left_out = ", ".join(f"{count} {why}" for why, count in sorted(trace.skipped.items()))
        rule = f"holds no job: a job is {FIELDS} fields in a line"
        raise InvalidValue("trace", str(path), f"{rule} ({left_out})" if left_out else rule)
    return trace


def _size(header: dict[str, str], path: str | Path) -> int:
    for key in _SIZES:
        value = header.get(key, "").split()
        if value and value[0].isdigit() and int(value[0]) > 0:
            return int(value[0])
    rule = "names no MaxProcs in its header: say how many processors with --machine-size"
    raise InvalidValue("trace", str(path), rule)


def _job(parts: list[str], slots: int) -> TraceJob | str:
    """Return a job, or why it is left out."""
    if len(parts) != FIELDS:
        return MALFORMED
    try:
        numbers = [int(float(part)) for part in parts]
    except (ValueError, OverflowError):
        return MALFORMED
    number, submit, _, run, allocated, _, _, wanted, limit, _, _, user, _, program = numbers[:14]
    width = wanted if wanted > 0 else allocated
    flaws = {
        NO_SUBMIT: submit < 0,
        NO_RUN_TIME: run <= 0,
        NO_PROCESSORS: width <= 0,
        TOO_WIDE: width > slots,
        NO_LIMIT: limit <= 0,
        MALFORMED: max(submit, run, limit) > _MOST_SECONDS,
    }
    if flaw := next((reason for reason, is_so in flaws.items() if is_so), None):
        return flaw
    return TraceJob(
        job_id=str(number),
        submit_us=submit * SECOND,
        run_us=min(run, limit) * SECOND,
        width=width,
        limit_us=limit * SECOND,
        user=str(user) if user >= 0 else "",
        command=str(program) if program >= 0 else "",
    )
