"""`evenflow simulate`: traces and policies through the engine's cores; no system needs to run."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from evenflow.cli.display.console import err, out, say, show_json
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import NOTHING, lasting, percent
from evenflow.cli.inputs.options import JsonOption
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.html import write_report
from evenflow.simulator.measures import Measures, measure
from evenflow.simulator.openb import OpenbReport, parse_seeds, run_openb
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.simulations import SchedulingOptions, read_trace
from evenflow.simulator.simulations import simulate as simulate_one

EXAMPLE: Final = (
    "evenflow simulate --trace log.swf.gz --backfill easy --backfill-order best --estimate learned"
)

_COLUMNS: Final = (
    Column("POLICY", can_shrink=True),
    Column("JOBS", rank=3, align="right"),
    Column("MEAN WAIT", align="right"),
    Column("SLOWDOWN", align="right"),
    Column("WORST", rank=6, align="right"),
    Column("WIDEST TENTH", rank=4, align="right"),
    Column("RESPONSE", rank=5, align="right"),
    Column("UTILISATION", rank=2, align="right"),
    Column("SHARE ERROR", rank=1, align="right"),
    Column("EVENTS/S", rank=7, align="right"),
)


def simulate(
    *,
    trace: Annotated[
        Path | None, typer.Option("--trace", "-t", metavar="FILE", help="A log, or a fleet.")
    ] = None,
    trace_format: Annotated[
        str, typer.Option("--format", metavar="swf|ls6|philly|fleet", help="What the file is.")
    ] = "swf",
    machine_size: Annotated[
        int | None,
        typer.Option("--machine-size", metavar="N", help="Slots; else what the log says."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="NAME", help="The order; several: side by side."),
    ] = None,
    backfill: Annotated[
        str, typer.Option("--backfill", metavar="none|easy|conservative", help="Who fills gaps.")
    ] = "easy",
    backfill_order: Annotated[
        str,
        typer.Option("--backfill-order", metavar="fcfs|shortest|best", help="Who does so first."),
    ] = "fcfs",
    estimate: Annotated[
        str,
        typer.Option("--estimate", metavar="limit|perfect|mean2|learned", help="Run times."),
    ] = "limit",
    nodes: Annotated[
        Path | None, typer.Option("--nodes", metavar="CSV", help="Placement: nodes to fill.")
    ] = None,
    pods: Annotated[
        Path | None, typer.Option("--pods", metavar="CSV", help="Placement: pods to draw.")
    ] = None,
    strategy: Annotated[
        str, typer.Option("--strategy", metavar="NAME", help="Placement: which node.")
    ] = "pack",
    demand: Annotated[
        float, typer.Option("--demand", metavar="RATIO", help="Placement: GPUs asked of all.")
    ] = 1.3,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="42-51", help="Placement: one run each.")
    ] = "42-51",
    as_json: JsonOption = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a report with plots.")
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write start and end of every job, seconds."),
    ] = None,
) -> None:
    """Simulate a log under one policy or several, or fill a cluster with pods."""
    if nodes is not None or pods is not None:
        _place(nodes, pods, strategy, demand, seeds, as_json=as_json)
        return
    if trace is None:
        raise InvalidValue(
            "trace", "", "is missing: name a log with --trace, or --nodes and --pods"
        )
    policies = policy or ["fifo"]
    if csv_file is not None and len(policies) > 1:
        raise InvalidValue("csv", str(csv_file), "holds one schedule: name one --policy")
    read, machine = read_trace(trace, trace_format, machine_size)
    schedules: list[Schedule] = []
    for name in policies:
        wanted = SchedulingOptions(name, backfill, backfill_order, estimate)
        with _progress(name) as told:
            schedules.append(simulate_one(read, machine, wanted, told))
    if csv_file is not None:
        _write_csv(schedules[0], csv_file)
    if html is not None:
        write_report(schedules, html)
    found = [measure(schedule) for schedule in schedules]
    if as_json:
        documents = [each.document() for each in found]
        show_json(documents[0] if len(documents) == 1 else {"policies": documents})
        return
    _show(found)
    for path in (csv_file, html):
        if path is not None:
            say(f"wrote {path}")


def _place(
    nodes: Path | None,
    pods: Path | None,
    strategy: str,
    demand: float,
    seeds: str,
    *,
    as_json: bool,
) -> None:
    for field, path in (("nodes", nodes), ("pods", pods)):
        if path is None:
            raise InvalidValue(field, "", "is missing: --nodes and --pods go together")
    if nodes is None or pods is None:
        return
    wanted = parse_seeds(seeds)
    with _progress(strategy) as told:
        report = run_openb(
            nodes,
            pods,
            strategy=strategy,
            demand=demand,
            seeds=wanted,
            progress=lambda part: told(int(part * 1000), 1000),
        )
    if as_json:
        show_json(report.document())
    else:
        _show_placement(report)


def _show_placement(report: OpenbReport) -> None:
    columns = (
        Column("SEED", align="right"),
        Column("GPUS ALLOCATED", align="right"),
        Column("PODS PLACED", rank=1, align="right"),
        Column("PODS SKIPPED", rank=2, align="right"),
    )
    rows: list[Sequence[Cell]] = [
        (
            str(each.seed),
            f"{100 * report.ratio(each):.2f} %",
            f"{each.placed_pods:,}",
            f"{each.skipped_pods:,}",
        )
        for each in report.filled
    ]
    print_table(columns, [*rows, ("mean", f"{100 * report.gpu_allocated_ratio:.2f} %", "", "")])


def _show(found: Sequence[Measures]) -> None:
    rows: list[Sequence[Cell]] = [
        (
            each.policy,
            f"{each.jobs:,}",
            lasting(each.mean_wait_seconds),
            f"{each.mean_bounded_slowdown:.1f}",
            f"{each.max_bounded_slowdown:,.0f}",
            lasting(each.mean_wait_seconds_widest_tenth),
            lasting(each.mean_response_seconds),
            percent(each.utilisation_ratio),
            NOTHING if each.share_error is None else f"{each.share_error:.3f}",
            f"{each.events_per_second:,.0f}",
        )
        for each in found
    ]
    print_table(_COLUMNS, rows)
    for why, count in found[0].skipped.items():
        out().print(f"left out: {count:,} {why}", style="dim", highlight=False)


def _write_csv(schedule: Schedule, path: Path) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(("job_id", "submit", "start", "end"))
            for job, start, end in zip(
                schedule.trace.jobs, schedule.start_us, schedule.end_us, strict=True
            ):
                rows.writerow((job.job_id, *map(_seconds, (job.submit_us, start, end))))
    except OSError as error:
        raise InvalidValue("csv", str(path), f"cannot be written: {error.strerror}") from error


def _seconds(instant_us: int) -> str:
    """Return seconds, whole where they are; nothing for what never was."""
    if instant_us < 0:
        return ""
    whole, rest = divmod(instant_us, SECOND)
    return str(whole) if not rest else f"{instant_us / SECOND:.6f}"


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err(), transient=True) as bars:
        task = bars.add_task(label, total=None)

        def told(done: int, of: int) -> None:
            bars.update(task, completed=done, total=of)

        yield told
