"""What the demo prints at the end: what ran when and why, the shares, and what was expected."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from evenflow.cli.demo.plan import Planned
from evenflow.cli.demo.recorder import DemoRecorder, Start
from evenflow.cli.display.console import show, status_text
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import NOTHING, lasting, percent
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.jobs.job import Job

_STARTS: Final = (
    Column("#", align="right"),
    Column("AT", align="right"),
    Column("JOB"),
    Column("QUEUE", rank=4),
    Column("USER", rank=5),
    Column("WAITED", rank=3, align="right"),
    Column("RAN", rank=2, align="right"),
    Column("END"),
    Column("WHY THEN (held/weight)", rank=1, can_shrink=True, least=24),
)
_SHARES: Final = (
    Column("QUEUE"),
    Column("WEIGHT", align="right"),
    Column("PROMISED", align="right"),
    Column("HELD", align="right"),
    Column("JOBS", align="right"),
    Column("MEAN WAIT", align="right"),
)


def unexpected(planned: Sequence[Planned], recorder: DemoRecorder) -> list[str]:
    """Return what did not end as it should have, a line each."""
    found = list(recorder.refused)
    for each in planned:
        name = each.request["name"]
        job = recorder.ended.get(name)
        if job is None:
            found.append(f"{name} did not end")
        elif job.state.value != each.status:
            found.append(f"{name} {job.state.value} instead of {each.status}: {job.message}")
        elif each.exit_code is not None and job.exit_code != each.exit_code:
            found.append(f"{name} ended with {job.exit_code} instead of {each.exit_code}")
        elif job.attempt != each.attempt:
            found.append(f"{name} took {job.attempt} attempts instead of {each.attempt}")
    return found


def show_starts(recorder: DemoRecorder) -> None:
    """Print every start in its order."""
    show("What ran when, and why in that order", "bold")
    print_table(_STARTS, [_row(start, recorder) for start in recorder.starts])


def show_shares(recorder: DemoRecorder, weights: Mapping[str, float]) -> None:
    """Print what each queue held while all of them had jobs waiting."""
    held, whole = recorder.shares(), sum(weights.values())
    seconds = recorder.contended_us / SECOND
    show(f"Shares while all queues had jobs waiting ({lasting(seconds)})", "bold")
    rows: list[list[Cell]] = []
    for queue in recorder.queues:
        jobs = [job for job in recorder.ended.values() if job.spec.queue == queue]
        waits = [wait for job in jobs if (wait := _waited(job)) is not None]
        rows.append(
            [
                queue,
                f"{weights[queue]:g}",
                percent(weights[queue] / whole),
                percent(held[queue]),
                str(len(jobs)),
                lasting(sum(waits) / len(waits)) if waits else NOTHING,
            ]
        )
    print_table(_SHARES, rows)


def document(
    recorder: DemoRecorder, weights: Mapping[str, float], problems: Sequence[str]
) -> dict[str, Any]:
    """Return the whole outcome for programs."""
    return {
        "jobs": len(recorder.ended),
        "is_good": not problems,
        "problems": list(problems),
        "shares": recorder.shares(),
        "weights": dict(weights),
        "contended_seconds": recorder.contended_us / SECOND,
        "starts": [
            {
                "number": start.number,
                "job_id": start.spec.id,
                "name": start.spec.name,
                "queue": start.spec.queue,
                "user": start.spec.user,
                "priority": start.spec.priority,
                "attempt": start.attempt,
                "at_seconds": recorder.seconds_after_first(start.at),
                "why": start.why,
                **_end(recorder.ended.get(start.spec.name)),
            }
            for start in recorder.starts
        ],
    }


def _row(start: Start, recorder: DemoRecorder) -> list[Cell]:
    job = recorder.ended.get(start.spec.name)
    is_last = job is not None and job.attempt == start.attempt
    tasks = f" x{start.spec.tasks}" if start.spec.tasks > 1 else ""
    return [
        str(start.number),
        f"{recorder.seconds_after_first(start.at):.1f}s",
        f"{start.spec.name}{tasks}",
        start.spec.queue,
        start.spec.user,
        lasting((start.at - start.spec.submitted_at) / SECOND),
        lasting(_ran(job)) if job and is_last else NOTHING,
        _outcome(job) if job and is_last else Text("tries again", style="yellow"),
        start.why,
    ]


def _outcome(job: Job) -> Text:
    text = status_text(job.state.value)
    if job.exit_code:
        text.append(f" ({job.exit_code})")
    return text


def _end(job: Job | None) -> dict[str, Any]:
    if job is None:
        return {"status": None}
    return {
        "status": job.state.value,
        "exit_code": job.exit_code,
        "attempts": job.attempt,
        "waited_seconds": _waited(job),
        "ran_seconds": _ran(job),
    }


def _ran(job: Job) -> float | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return (job.finished_at - job.started_at) / SECOND


def _waited(job: Job) -> float | None:
    if job.started_at is None:
        return None
    return (job.started_at - job.spec.submitted_at) / SECOND
