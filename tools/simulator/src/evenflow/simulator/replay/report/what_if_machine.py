"""The plots of a what-if over time: what was in use, who waited, which queue held how much."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.simulator.core_run.outcome import JobOutcome
from evenflow.simulator.html.page import Key, Plot, Table
from evenflow.simulator.html.palette import FAINT, Colour, series
from evenflow.simulator.html.plots import Curve, Panel, over_time, panels
from evenflow.simulator.html.series import at_quantiles, bins, mean_held, mean_of_steps
from evenflow.simulator.html.svg import WIDE
from evenflow.simulator.replay.what_if.compare import Comparison, Measured

Floats = NDArray[np.float64]
_COLOURS: Final = (FAINT, series(0), series(1))
"""Of the three courses: what happened is the background of the two models."""
_PANELS: Final = 6
_BINS: Final = 160


def course_keys(mark: str = "line") -> list[Key]:
    """Return what the colours of the three courses stand for."""
    labels = ("as recorded", "recorded rules, modelled", "new rules")
    marks = ("dash" if mark == "line" else mark, mark, mark)
    return [Key(*each) for each in zip(labels, _COLOURS, marks, strict=True)]


def machine_plots(numbers: Comparison) -> list[Plot | Table]:
    """Return what was in use and how many jobs waited, over time."""
    edges, middle = _axis(numbers)
    there = _capacity(numbers, edges)
    until = numbers.begin + round(float(edges[-1]) * SECOND)
    mark = (numbers.end - numbers.begin) / SECOND, "the record ends"
    used, waiting = [], []
    for course, colour in zip(numbers.courses, _COLOURS, strict=True):
        held = _held(course.outcome.jobs.values(), numbers, edges)
        ratio = np.divide(held, there, out=np.zeros_like(held), where=there > 0)
        queued = _waiting(course, numbers, edges, until)
        if course is numbers.recorded:
            ratio, queued = (np.where(middle <= mark[0], each, np.nan) for each in (ratio, queued))
        used.append(_curve(course, middle, ratio, colour))
        waiting.append(_curve(course, middle, queued, colour))
    name = numbers.unit
    return [
        Plot(
            "Utilisation", over_time(used, is_percent=True, top=102, mark=mark), WIDE,
            f"Part of the {name} in use over time", course_keys(),
            f"Of all {name} that were there.",
        ),
        Plot(
            "Jobs waiting", over_time(waiting, mark=mark), WIDE,
            "Number of waiting jobs over time", course_keys(),
        ),
    ]  # fmt: skip


def share_plot(numbers: Comparison) -> Plot | None:
    """Return what queues held over time against their fair shares; None with nothing held."""
    edges, middle = _axis(numbers, _BINS)
    there = _capacity(numbers, edges)
    paths = _paths(numbers)
    held = {
        path: [
            _held((j for j in course.outcome.jobs.values() if _is_in(j, path)), numbers, edges)
            for course in numbers.courses
        ]
        for path in paths
    }
    most = sorted(paths, key=lambda path: (-sum(float(h.sum()) for h in held[path][1:]), path))
    shown = []
    for path in most[:_PANELS]:
        curves = [
            _curve(
                course, middle, np.divide(h, there, out=np.zeros_like(h), where=there > 0), colour
            )
            for course, h, colour in zip(numbers.courses, held[path], _COLOURS, strict=True)
        ]
        shown.append(Panel(path, [*curves[1:], *_entitled(numbers, path, float(edges[-1]))]))
    if not shown:
        return None
    columns = min(3, len(shown))
    has_fair = any(len(panel.curves) > len(_COLOURS) - 1 for panel in shown)
    return Plot(
        "What queues held",
        panels(shown, columns=columns),
        (10.2, 2.2 * -(-len(shown) // columns) + 0.4),
        "What queues held over time by both rules, against their fair shares",
        [
            *course_keys()[1:],
            *([Key("fair share by the new rules", FAINT, "dash")] if has_fair else []),
        ],
        "Parts of the whole capacity.",
    )


def wait_curves(numbers: Comparison) -> list[Curve]:
    """Return for each course which part of its jobs waited at most so long."""
    return [
        _curve(course, *at_quantiles(np.array(sorted(course.waits.values()))), colour)
        for course, colour in zip(numbers.courses, _COLOURS, strict=True)
    ]


def _axis(numbers: Comparison, count: int = 2 * _BINS) -> tuple[Floats, Floats]:
    """Return bins from the beginning to the last end of any course, at most twice the record."""
    ends = [
        attempt.end
        for course in numbers.courses
        for job in course.outcome.jobs.values()
        for attempt in job.attempts
        if attempt.end is not None
    ]
    recorded = numbers.end - numbers.begin
    span = max(recorded, min(max(ends, default=numbers.end) - numbers.begin, 2 * recorded))
    return bins(span / SECOND, count)


def _capacity(numbers: Comparison, edges: Floats) -> Floats:
    at = _seconds([at for at, _ in numbers.capacity], numbers.begin)
    return mean_of_steps(at, np.array([amount for _, amount in numbers.capacity], float), edges)


def _held(jobs: Iterable[JobOutcome], numbers: Comparison, edges: Floats) -> Floats:
    starts: list[Instant] = []
    ends: list[Instant] = []
    amounts: list[float] = []
    for job in jobs:
        amount = whole_request(job.spec).get(numbers.resource, 0)
        if not amount:
            continue
        for attempt in job.attempts:
            starts.append(attempt.start)
            ends.append(max(attempt.start, numbers.end if attempt.end is None else attempt.end))
            amounts.append(amount)
    begin = numbers.begin
    return mean_held(
        _seconds(starts, begin), _seconds(ends, begin), np.array(amounts, float), edges
    )


def _waiting(course: Measured, numbers: Comparison, edges: Floats, until: Instant) -> Floats:
    jobs = course.outcome.jobs.values()
    come = [job.submitted_at for job in jobs]
    # Models know what became of jobs behind the end of the record.
    end = numbers.end if course is numbers.recorded else until
    gone = [_gone(job, end) for job in jobs]
    begin = numbers.begin
    return mean_held(_seconds(come, begin), _seconds(gone, begin), np.ones(len(come)), edges)


def _gone(job: JobOutcome, end: Instant) -> Instant:
    """Return when a job waited no more: it started, was withdrawn, or the past was over."""
    at = job.first_start if job.first_start is not None else job.ended_at
    return max(job.submitted_at, end if at is None else at)


def _paths(numbers: Comparison) -> list[str]:
    """Return the projects that had jobs, or the leaves where there is but one project."""
    leaves = sorted({job.spec.queue for job in numbers.other.outcome.jobs.values()})
    projects = sorted({leaf.partition("/")[0] for leaf in leaves})
    return projects if len(projects) > 1 else leaves


def _is_in(job: JobOutcome, path: str) -> bool:
    queue = job.spec.queue
    return queue == path or queue.startswith(f"{path}/")


def _entitled(numbers: Comparison, path: str, span: float) -> list[Curve]:
    """Return the fair share that the core divided, where the run lasted long enough to see it."""
    hourly = numbers.other.outcome.hourly
    entitled = hourly.queue_entitlement.get(path)
    if not entitled or len(hourly.at) < 2:  # noqa: PLR2004 - a line has two ends
        return []
    at = _seconds(hourly.at, numbers.begin)
    shown = at <= span
    return [Curve("fair share", at[shown], np.array(entitled)[shown], FAINT, is_dashed=True)]


def _curve(course: Measured, x: Floats, y: Floats, colour: Colour) -> Curve:
    return Curve(course.label, x, y, colour, is_dashed=colour is FAINT)


def _seconds(instants: Sequence[Instant], begin: Instant) -> Floats:
    return np.array([at - begin for at in instants], dtype=np.float64) / SECOND
