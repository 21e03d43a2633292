"""The Standard Workload Format: lines of a workload log to jobs, and why lines were left out. Pure.

`;` starts a header line; a job is 18 fields separated by blanks, -1 is unknown, times are seconds.

Source: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

FIELDS: Final = 18
MALFORMED: Final = "malformed line"
NO_SUBMIT: Final = "no submission time"
NO_RUN_TIME: Final = "no run time (cancelled before its start)"
NO_PROCESSORS: Final = "no processors"
TOO_WIDE: Final = "wider than the machine"
REPEATED: Final = "job number seen before"


@dataclass(frozen=True, slots=True)
class TraceJob:
    """One job of a log. Seconds count from the beginning of the log.

    `run_seconds` is what it ran, cut at `requested_seconds`: a machine would have stopped it
    there. None: it asked for no limit.
    """

    number: int
    submit_seconds: int
    run_seconds: int
    processors: int
    requested_seconds: int | None
    user: int | None
    was_cut: bool = False


@dataclass(slots=True)
class Trace:
    """The jobs of a log by submission time, its header, and the lines left out by reason."""

    jobs: list[TraceJob] = field(default_factory=list)
    header: dict[str, str] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def machine_size(self) -> int | None:
        """Processors of the machine as its header says; None when it does not."""
        for key in ("MaxProcs", "MaxNodes"):
            if self.header.get(key, "").isdigit():
                return int(self.header[key])
        return None


def read_swf(
    lines: Iterable[str], *, limit: int | None = None, processors: int | None = None
) -> Trace:
    """Read a log.

    Args:
        lines: the text, header included.
        limit: stop after this many jobs; lines left out do not count.
        processors: size of the machine that shall run it; wider jobs are left out. None: any size.

    Returns:
        The jobs in order of submission, those of one second in the order of the log. Processors
        are those allocated (field 5), else those requested (field 8): logs may know only one.
    """
    trace = Trace()
    seen: set[int] = set()
    for line in lines:
        text = line.strip()
        if text.startswith(";"):
            _read_header(trace, text)
        elif text:
            if limit is not None and len(trace.jobs) >= limit:
                break
            found = _read_job(text, processors)
            if isinstance(found, str):
                trace.skipped[found] += 1
            elif found.number in seen:
                trace.skipped[REPEATED] += 1
            else:
                seen.add(found.number)
                trace.jobs.append(found)
    trace.jobs.sort(key=lambda job: job.submit_seconds)  # stable: equal times keep their order
    return trace


def _read_header(trace: Trace, text: str) -> None:
    key, colon, value = text.lstrip(";").partition(":")
    # Continuation lines of a note hold colons too; real keys are one word.
    if colon and key.strip().isalnum():
        trace.header.setdefault(key.strip(), value.strip())


def _read_job(text: str, machine: int | None) -> TraceJob | str:
    parts = text.split()
    if len(parts) != FIELDS:
        return MALFORMED
    try:
        numbers = [int(float(part)) for part in parts]
    except (ValueError, OverflowError):
        return MALFORMED
    number, submit, _, run, allocated, _, _, wanted, requested, _, _, user = numbers[:12]
    processors = allocated if allocated > 0 else wanted
    flaws = {
        NO_SUBMIT: submit < 0,
        NO_RUN_TIME: run <= 0,
        NO_PROCESSORS: processors <= 0,
        TOO_WIDE: machine is not None and processors > machine,
    }
    if flaw := next((reason for reason, is_so in flaws.items() if is_so), None):
        return flaw
    limit = requested if requested > 0 else None
    return TraceJob(
        number=number,
        submit_seconds=submit,
        run_seconds=run if limit is None else min(run, limit),
        processors=processors,
        requested_seconds=limit,
        user=user if user >= 0 else None,
        was_cut=limit is not None and run > limit,
    )
