"""The accounting log of a Slurm partition of whole nodes, as the LS6 log has it, to a trace.

Three header lines, then tab-separated rows: JobID, JobName, UID, Start, Submit, End, Priority,
TimelimitR (minutes), ExitCode, NNodes. Instants are local and have no zone.
"""

from pathlib import Path
from typing import Final, NamedTuple

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.trace import Trace, TraceJob
from evenflow.simulator.traces.text import lines_of, local_us

NODES: Final = 72
GPUS_PER_NODE: Final = 3
MALFORMED: Final = "malformed line"
NO_RUN_TIME: Final = "no run time (cancelled before its start)"
NO_NODES: Final = "no nodes"
NO_LIMIT: Final = "no time limit"
TOO_WIDE: Final = "wider than the machine"
REPEATED: Final = "job number seen before"
_FIELDS: Final = 10
_HEADER: Final = 3
_MINUTE: Final = 60 * SECOND


class _Row(NamedTuple):
    job_id: str
    name: str
    user: str
    submit: int  # microseconds since some instant
    run: int
    limit: int
    nodes: int


def read_ls6(path: str | Path, nodes: int = NODES) -> Trace:
    """Read a log for a machine of so many whole nodes, each of three GPUs.

    Jobs that ran are kept in the log's order, with `limit = max(run, TimelimitR)`: some ran past
    their limit.

    Raises:
        InvalidValue: the file cannot be read or holds no job, or the machine has no node.
    """
    if nodes < 1:
        raise InvalidValue("machine_size", nodes, "must be at least 1 node")
    trace = Trace(Path(path).name, nodes, [], gpus_per_slot=GPUS_PER_NODE)
    rows: dict[str, _Row] = {}
    for number, line in enumerate(lines_of(path)):
        if not line.strip() or (number < _HEADER and "\t" not in line):
            continue
        found = _read(line, nodes)
        if isinstance(found, str):
            trace.skipped[found] += 1
        elif found.job_id in rows:
            trace.skipped[REPEATED] += 1
        else:
            rows[found.job_id] = found
    if not rows:
        rule = f"holds no job: a row is {_FIELDS} fields with tabs between them"
        raise InvalidValue("trace", str(path), rule)
    begin = min(row.submit for row in rows.values())
    trace.jobs = [_job(row, begin) for row in rows.values()]
    return trace


def _read(line: str, nodes: int) -> _Row | str:
    """Return a row, or why it is left out."""
    parts = line.split("\t")
    if len(parts) != _FIELDS:
        return MALFORMED
    job_id, name, user, start, submit, end, _, limit, _, width = parts
    try:
        started, submitted, ended = (local_us(each) for each in (start, submit, end))
        row = _Row(job_id, name, user, submitted, ended - started, int(limit) * _MINUTE, int(width))
    except (ValueError, OverflowError):
        return MALFORMED
    flaws = {
        NO_RUN_TIME: row.run <= 0,
        NO_NODES: row.nodes <= 0,
        TOO_WIDE: row.nodes > nodes,
        NO_LIMIT: row.limit <= 0,
    }
    return next((reason for reason, is_so in flaws.items() if is_so), row)


def _job(row: _Row, begin: int) -> TraceJob:
    return TraceJob(
        job_id=row.job_id,
        submit_us=row.submit - begin,
        run_us=row.run,
        width=row.nodes,
        limit_us=max(row.run, row.limit),
        user=row.user,
        command=row.name,
    )
