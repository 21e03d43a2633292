"""The report of `evenflow simulate`: one trace, one or several policies side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evenflow.simulator.core_run.outcome import HourlySeries
from evenflow.simulator.html.fragmentation import Fragmentation, fragmentation_sections
from evenflow.simulator.html.page import Page, Plot, Section, Table, Tile, write_page
from evenflow.simulator.html.palette import series
from evenflow.simulator.html.plots import Curve, over_time
from evenflow.simulator.html.schedule_numbers import (
    ScheduleNumbers,
    keys_of,
    numbers_of,
    slowdown_of,
)
from evenflow.simulator.html.series import bins, mean_held
from evenflow.simulator.html.simulation_shares import share_sections
from evenflow.simulator.html.simulation_waits import wait_parts
from evenflow.simulator.html.svg import WIDE
from evenflow.simulator.html.words import percent, wait_word
from evenflow.simulator.schedule import Schedule


def write_report(
    schedules: Sequence[Schedule],
    path: Path,
    *,
    hourly: Mapping[str, HourlySeries] | None = None,
    fragmentation: Mapping[str, Fragmentation] | None = None,
) -> None:
    """Write schedules of one trace as one HTML file that needs nothing beside it.

    Args:
        schedules: at least one, or none when there is only `fragmentation` to show.
        path: replaced when it is there.
        hourly: what whole runs of the core recorded, by label: for entitlement of queues and for
            fragmentation, where it is known.
        fragmentation: unusable shares over demand, by label, of placement experiments.

    Raises:
        InvalidValue: the file cannot be written.
    """
    write_page(simulation_page(schedules, hourly or {}, fragmentation or {}), path)


def simulation_page(
    schedules: Sequence[Schedule],
    hourly: Mapping[str, HourlySeries],
    fragmentation: Mapping[str, Fragmentation],
) -> Page:
    """Return the page."""
    if not schedules:
        sections = fragmentation_sections({}, fragmentation)
        return Page("Placement", "How much of the machine stays usable.", sections=sections)
    trace = schedules[0].trace
    skipped = sum(trace.skipped.values())
    labels = ", ".join(schedule.label for schedule in schedules)
    page = Page(
        f"{trace.name}: {labels}",
        f"{len(trace.jobs):,} jobs on {trace.slots:,} slots, simulated by the functions that "
        f"schedule a live cluster. {skipped:,} rows of the log were left out.",
    )
    numbers = [numbers_of(schedule) for schedule in schedules]
    if len(schedules) == 1:
        page.tiles = _tiles(schedules[0], numbers[0])
    page.sections = [
        Section("In short", [_summary(schedules, numbers)]),
        Section("The machine over time", _over_time(schedules, numbers)),
        Section("Who waited", wait_parts(numbers)),
        *share_sections(schedules),
        *fragmentation_sections(hourly, fragmentation),
    ]
    if skipped:
        rows = [(reason, f"{count:,}") for reason, count in trace.skipped.most_common()]
        left_out = Table("Rows of the log by reason", ("reason", "rows"), rows)
        page.sections.append(Section("Left out", [left_out]))
    page.notes = [
        "Bounded slowdown: max(1, (wait + run) / max(10 s, run)), the mean over all jobs.",
        "A job's size is its slots: processors, nodes or GPUs, as the log counts them.",
        "Curves over time are means over equal stretches, not samples.",
    ]
    return page


def _utilisation(schedule: Schedule, found: ScheduleNumbers) -> float:
    span = float(found.end.max(initial=0.0) - found.submit.min(initial=0.0))
    work = float((found.width * (found.end - found.start)).sum())
    return work / (span * schedule.trace.slots) if span > 0 else 0.0


def _tiles(schedule: Schedule, found: ScheduleNumbers) -> list[Tile]:
    if not len(found.wait):
        return [Tile("jobs that ran", "0")]
    p95 = float(np.quantile(found.wait, 0.95))
    return [
        Tile("mean wait", wait_word(float(found.wait.mean())), f"95 % within {wait_word(p95)}"),
        Tile("median wait", wait_word(float(np.median(found.wait)))),
        Tile("mean bounded slowdown", f"{slowdown_of(found).mean():.1f}"),
        Tile("utilisation", percent(_utilisation(schedule, found)), "of all slots"),
    ]


def _summary(schedules: Sequence[Schedule], numbers: Sequence[ScheduleNumbers]) -> Table:
    heads = [
        "policy",
        "jobs",
        "mean wait",
        "median",
        "95 %",
        "slowdown",
        "utilisation",
        "share error",
    ]
    noted = sorted({name for schedule in schedules for name in schedule.notes})
    rows = []
    for schedule, found in zip(schedules, numbers, strict=True):
        some = found.wait if len(found.wait) else np.array([np.nan])
        error = schedule.share_error
        rows.append(
            [
                schedule.label,
                f"{len(found.wait):,}",
                wait_word(float(some.mean())),
                wait_word(float(np.median(some))),
                wait_word(float(np.quantile(some, 0.95))),
                f"{slowdown_of(found).mean():.1f}" if len(found.wait) else "-",
                percent(_utilisation(schedule, found)),
                "-" if error is None else f"{error:.3f}",
                *(_note(schedule.notes.get(name)) for name in noted),
            ]
        )
    return Table("Each policy", [*heads, *(name.replace("_", " ") for name in noted)], rows)


def _note(value: float | str | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _over_time(
    schedules: Sequence[Schedule], numbers: Sequence[ScheduleNumbers]
) -> list[Plot | Table]:
    span = max((float(found.end.max(initial=0.0)) for found in numbers), default=1.0)
    edges, middle = bins(span)
    used, queued = [], []
    for index, (schedule, found) in enumerate(zip(schedules, numbers, strict=True)):
        held = mean_held(found.start, found.end, found.width, edges) / schedule.trace.slots
        used.append(Curve(found.label, middle, held, series(index)))
        waiting = mean_held(found.submit, found.start, np.ones(len(found.start)), edges)
        queued.append(Curve(found.label, middle, waiting, series(index)))
    keys = keys_of([found.label for found in numbers])
    return [
        Plot(
            "Utilisation", over_time(used, is_percent=True, top=102), WIDE,
            "Part of the slots in use over time", keys,
        ),
        Plot("Jobs waiting", over_time(queued), WIDE, "Number of waiting jobs over time", keys),
    ]  # fmt: skip
