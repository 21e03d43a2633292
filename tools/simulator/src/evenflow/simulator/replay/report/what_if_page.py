"""The report of `evenflow replay --policy`: who would have waited less, who more, at what price."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from evenflow.simulator.html.page import Cell, Key, Page, Plot, Section, Table, Tile, write_page
from evenflow.simulator.html.palette import FAINT, LESS, MORE
from evenflow.simulator.html.plots import Change, distribution, dumbbells
from evenflow.simulator.html.svg import HALF, WIDE
from evenflow.simulator.html.words import percent, signed_points, signed_wait, wait_word
from evenflow.simulator.replay.report.terminal import instant
from evenflow.simulator.replay.report.what_if_machine import (
    course_keys,
    machine_plots,
    share_plot,
    wait_curves,
)
from evenflow.simulator.replay.report.what_if_words import decision_section, model_section, notes_of
from evenflow.simulator.replay.what_if.compare import Comparison, JobRow, Measured, Row
from evenflow.simulator.replay.what_if.what_if import WhatIf

_PLOTTED: Final = 12  # users or queues
_NAME: Final = 26  # characters beside a plot


def write_what_if(found: WhatIf, path: Path) -> None:
    """Write what other rules would have done as one HTML file that needs nothing beside it.

    Raises:
        InvalidValue: the file cannot be written.
    """
    write_page(what_if_page(found), path)


def what_if_page(found: WhatIf) -> Page:
    """Return the page."""
    numbers = found.numbers
    page = Page(
        "What if, on the recorded past",
        f"Sequences {found.past.begin:,} to {found.past.end:,} of {found.past.source}: "
        f"{instant(found.history.begin)} to {instant(found.history.end)}. "
        "The same submissions, cancels, machines and run times, decided by other rules.",
    )
    page.tiles = _tiles(found)
    page.sections = [
        Section("What is different", [_rules_table(found)]),
        Section(
            "Who waits less, who more",
            _who(numbers),
            "Mean waits by the recorded rules (grey) and the new ones (coloured), both modelled.",
        ),
        Section("The machine", [_course_table(numbers), *machine_plots(numbers)]),
        *_share_section(numbers),
        Section("Single jobs", _job_tables(numbers)),
        decision_section(found),
        model_section(numbers),
    ]
    page.notes = notes_of(found)
    return page


def _tiles(found: WhatIf) -> list[Tile]:
    numbers = found.numbers
    before, after = numbers.modelled, numbers.other
    acts = sum(each.changes_actions for each in found.decisions.differences)
    return [
        Tile(
            "mean wait",
            wait_word(after.mean),
            f"{signed_wait(after.mean - before.mean)} against {wait_word(before.mean)}",
            _tone(after.mean - before.mean),
        ),
        Tile(
            "95 % wait at most",
            wait_word(after.p95),
            f"{signed_wait(after.p95 - before.p95)} against {wait_word(before.p95)}",
            _tone(after.p95 - before.p95),
        ),
        Tile(
            "utilisation",
            percent(after.utilisation),
            f"{signed_points(after.utilisation - before.utilisation)} of all {numbers.unit}",
        ),
        Tile("jobs that wait less", f"{numbers.better:,}", f"{numbers.worse:,} wait more"),
        Tile("stopped on the way", f"{after.preemptions:,}", f"{before.preemptions:,} before"),
        Tile(
            "decisions that differ",
            f"{acts:,}",
            f"of {found.decisions.cycles:,} recorded cycles",
        ),
    ]


def _rules_table(found: WhatIf) -> Table:
    return Table("Rules", ("rule", "recorded", "new"), found.differing, texts=3)


def _who(numbers: Comparison) -> list[Plot | Table]:
    keys = [
        Key("recorded rules", FAINT, "dot"),
        Key("waits less", LESS, "dot"),
        Key("waits more", MORE, "dot"),
    ]
    parts: list[Plot | Table] = []
    for title, rows in (("By user", numbers.users), ("By queue", numbers.queues)):
        shown = rows[:_PLOTTED]
        if not shown:
            continue
        height = max(1.6, 0.27 * len(shown) + 0.7)
        left_out = len(rows) - len(shown)
        parts.append(
            Plot(
                title,
                dumbbells([Change(_short(row.name), row.before, row.after) for row in shown]),
                (HALF[0], height),
                f"Mean waits {title.lower()}, before and after",
                keys,
                "Most changed in all first" + (f"; {left_out:,} more below." if left_out else "."),
                is_half=True,
            )
        )
    parts.append(_row_table("All users", "user", numbers.users))
    parts.append(_row_table("All queues", "queue", numbers.queues))
    return parts


def _row_table(title: str, head: str, rows: Sequence[Row]) -> Table:
    return Table(
        title,
        (head, "jobs", "recorded rules", "new rules", "change"),
        [
            (
                row.name,
                f"{row.jobs:,}",
                wait_word(row.before),
                wait_word(row.after),
                Cell(signed_wait(row.change), _tone(row.change)),
            )
            for row in rows
        ],
        is_folded=True,
    )


def _job_tables(numbers: Comparison) -> list[Table]:
    return [
        _job_table("Jobs that gain most", numbers.gained),
        _job_table("Jobs that lose most", numbers.lost),
    ]


def _job_table(title: str, rows: Sequence[JobRow]) -> Table:
    return Table(
        title,
        ("job", "user", "queue", "recorded rules", "new rules", "change"),
        [
            (
                row.name,
                row.user,
                row.queue,
                wait_word(row.before),
                wait_word(row.after),
                Cell(signed_wait(row.change), _tone(row.change)),
            )
            for row in rows
        ]
        or [("none", "", "", "", "", "")],
        texts=3,
    )


def _course_table(numbers: Comparison) -> Table:
    return Table(
        "Three courses of one past",
        ("", "started", "mean wait", "median", "95 %", "longest", "utilisation", "stopped"),
        [_course_row(course) for course in numbers.courses],
    )


def _course_row(course: Measured) -> tuple[str, ...]:
    waits = (course.mean, course.median, course.p95, course.longest)
    return (
        course.label,
        f"{len(course.waits):,}",
        *map(wait_word, waits),
        percent(course.utilisation),
        f"{course.preemptions:,}",
    )


def _share_section(numbers: Comparison) -> list[Section]:
    plot = share_plot(numbers)
    curves = Plot(
        "How long jobs waited", distribution(wait_curves(numbers)), WIDE,
        "Part of all jobs that waited at most so long", course_keys(),
    )  # fmt: skip
    sections = [Section("Waits of all jobs", [curves])]
    return [Section("Shares over time", [plot]), *sections] if plot else sections


def _tone(change: float) -> str:
    return "" if abs(change) < 0.05 else "less" if change < 0 else "more"  # noqa: PLR2004 - as shown


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"\u2026{name[1 - _NAME :]}"
