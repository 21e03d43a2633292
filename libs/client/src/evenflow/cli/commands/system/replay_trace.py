"""`evenflow replay-trace`: a real log through a whole running system, and what came of it."""

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from evenflow.cli.display.console import err, out, say, show_json
from evenflow.cli.display.words import count, lasting, rough
from evenflow.cli.inputs.options import JsonOption, UrlOption
from evenflow.cli.replay_trace.report import Report, make_report
from evenflow.cli.replay_trace.run import TraceReplay
from evenflow.cli.replay_trace.swf import Trace, read_swf
from evenflow.client import AsyncClient
from evenflow.client.models.system import Status
from evenflow.common.domain.errors import InvalidValue, RequestRejected

EXAMPLE: Final = "evenflow replay-trace KTH-SP2.swf.gz --limit 2000 --speed 10000"

_LINE_SECONDS = 5.0
_INTERRUPTED = 130


def replay_trace(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A log: .swf or .swf.gz.")],
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="The first N jobs only.")] = None,
    speed: Annotated[
        int | None, typer.Option(min=1, help="Seconds of the log a second; else as it runs.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(help="A queue for this run alone; else a new one, trace-...")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Push a workload log through a running simulated cluster and check every job's end."""
    if not file.is_file():
        raise InvalidValue("FILE", str(file), "is no file")
    name = queue or f"trace-{datetime.now(UTC):%m%d-%H%M%S}"
    try:
        report = asyncio.run(_replay(file, limit, speed, name, url))
    except KeyboardInterrupt:
        say(f"interrupted; `evenflow cancel --queue {name} --all` ends what is left", "yellow")
        raise typer.Exit(_INTERRUPTED) from None
    show_json(report.document()) if as_json else _show(report)
    raise typer.Exit(0 if report.is_good else 1)


async def _replay(
    file: Path, limit: int | None, speed: int | None, queue: str, url: str | None
) -> Report:
    async with AsyncClient(url) as client:
        status = await client.status()
        nodes = await client.nodes()
        machine = sum(node["capacity"].get("gpu", 0) // 1000 for node in nodes)
        _check(status, machine)
        trace = read_log(file, limit, machine)
        if not trace.jobs:
            raise InvalidValue("FILE", str(file), f"has no job to replay: {_skipped(trace)}")
        before = int(status["clock"]["rate"])
        rate = speed or before
        await _make_queue(client, queue)
        try:
            if rate != before:
                await client.set_clock_rate(rate)
            replay = TraceReplay(client, trace.jobs, queue, rate)
            with _progress(replay) as on_progress:
                await replay.run(on_progress)
            wall = replay.wall_seconds
        finally:
            if rate != before:
                # Shielded: an interrupted replay must not leave somebody's clock racing.
                await asyncio.shield(client.set_clock_rate(before))
        return make_report(
            replay.tracker,
            trace=file.name,
            system=client.url,
            cluster=status["cluster"],
            speed=rate,
            machine=machine,
            wall_seconds=wall,
            latest_submission_seconds=replay.latest_submission_seconds,
            skipped=trace.skipped,
        )


def _check(status: Status, machine: int) -> None:
    if not str(status["cluster"]).startswith("simulated"):
        raise RequestRejected(
            f"the cluster is {status['cluster']}, and a log is replayed on a simulated one:\n"
            "start `evenflow up --cluster simulated:100x1`, or name such a system with --url."
        )
    if machine == 0:
        raise RequestRejected(
            "no node with a GPU is known, and each processor of a log becomes one GPU:\n"
            "start `evenflow up --cluster simulated:100x1`, or wait until the nodes are seen."
        )


def read_log(file: Path, limit: int | None, machine: int | None) -> Trace:
    """Read a log file, compressed or not.

    Raises:
        InvalidValue: it cannot be read.
    """
    try:
        with file.open("rb") as raw:
            is_compressed = raw.read(2) == b"\x1f\x8b"
        opener: Any = gzip.open if is_compressed else open
        with opener(file, "rt", encoding="utf-8", errors="replace") as lines:
            return read_swf(lines, limit=limit, processors=machine)
    except (OSError, EOFError) as error:
        raise InvalidValue("FILE", str(file), f"cannot be read: {error}") from error


async def _make_queue(client: AsyncClient, name: str) -> None:
    unlimited = {"cpu": None, "memory": None, "gpu": None, "max_concurrent_jobs": None}
    fleet = {"path": name, "max_concurrent_jobs": None, "limit": None, "quota": unlimited}
    await client.apply([fleet])
    known = await client.queue(name)
    if known["pending_jobs"] or known["running_jobs"]:
        raise RequestRejected(f"queue {name} has jobs already; leave out --queue for a new one")


@contextmanager
def _progress(replay: TraceReplay) -> Iterator[Callable[[], None]]:
    """Show how far it is: bars on a terminal, else a line now and then."""
    if not err().is_terminal:
        yield _lines(replay)
        return
    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    total = len(replay.jobs)
    with Progress(*columns, console=err()) as bars:
        submitted = bars.add_task("submitted", total=total, note="")
        running = bars.add_task("running", total=total, note="")
        ended = bars.add_task("ended", total=total, note="")

        def on_progress() -> None:
            tracker = replay.tracker
            rate = tracker.ended / replay.wall_seconds if replay.wall_seconds else 0.0
            note = (
                f"reading the log, {replay.behind:,} facts to go"
                if replay.behind > 0
                else (f"log time {rough(replay.trace_seconds)}")
            )
            bars.update(submitted, completed=tracker.submitted, note=note)
            bars.update(running, completed=tracker.running)
            bars.update(ended, completed=tracker.ended, note=f"{rate:.0f} jobs/s")

        yield on_progress


def _lines(replay: TraceReplay) -> Callable[[], None]:
    told_at = time.monotonic()

    def on_progress() -> None:
        nonlocal told_at
        if time.monotonic() - told_at < _LINE_SECONDS:
            return
        told_at = time.monotonic()
        tracker = replay.tracker
        say(
            f"{tracker.submitted} submitted, {tracker.running} running, {tracker.ended} ended of "
            f"{len(replay.jobs)}; log time {rough(replay.trace_seconds)}"
        )

    return on_progress


def _skipped(trace: Trace) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in trace.skipped.items()) or "no line"


def _waits(report: Report) -> str:
    return (
        f"mean {rough(report.wait_mean_seconds)}, median {rough(report.wait_median_seconds)}, "
        f"longest {rough(report.wait_max_seconds)} of log time"
    )


def _show(report: Report) -> None:
    ends = ", ".join(f"{number:,} {state}" for state, number in report.ends.items())
    skipped = ", ".join(f"{number:,} {reason}" for reason, number in report.skipped.items())
    rows = [
        ("log", f"{report.trace} at {report.speed:,} times its speed, on {report.cluster}"),
        ("jobs", f"{report.jobs:,} with {report.tasks:,} tasks"),
        ("skipped", skipped or "none"),
        ("cut", f"{count(report.cut_at_request, 'run')} at the requested time"),
        ("ends", ends),
        ("wall time", f"{lasting(report.wall_seconds)}, {report.jobs_per_second:.1f} jobs/s"),
        ("log time", f"{rough(report.makespan_seconds)} from first submission to last end"),
        ("wait", _waits(report)),
        ("slowdown", f"{report.slowdown_mean:.2f} mean, bounded at 10 s"),
        ("busy", f"{100 * report.busy_ratio:.1f} % of the processors"),
    ]
    for label, value in rows:
        out().print(Text.assemble((f"{label:>10}  ", "dim"), value), soft_wrap=True)
    out().print(
        f"            Waits include real hops: each wall millisecond between services counts as "
        f"{report.speed / 1000:g} s of log time.\n"
        f"            The latest submission was {rough(report.latest_submission_seconds)} of log "
        "time behind its own time.",
        style="dim",
        soft_wrap=True,
    )
    if report.is_good:
        out().print(
            Text(f"every one of {report.jobs:,} jobs reached its end exactly once", "green")
        )
        return
    for line in report.broken[:20]:
        say(line, "red")
    if len(report.broken) > 20:  # noqa: PLR2004 - as shown
        say(f"and {len(report.broken) - 20} more", "red")
