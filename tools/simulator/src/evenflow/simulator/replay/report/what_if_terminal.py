"""What other rules would have done, in a terminal and as JSON."""

from typing import Any, Final

from rich.text import Text

from evenflow.cli.display.console import out, show
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import count
from evenflow.simulator.html.words import percent, signed_points, signed_wait, wait_word
from evenflow.simulator.replay.report.terminal import difference_document, instant
from evenflow.simulator.replay.what_if.compare import Comparison, JobRow, Measured, Row
from evenflow.simulator.replay.what_if.what_if import WhatIf

_ROWS: Final = 8
_COURSES: Final = (
    Column("COURSE"),
    Column("STARTED", rank=2, align="right"),
    Column("MEAN WAIT", align="right"),
    Column("MEDIAN", rank=1, align="right"),
    Column("95 %", align="right"),
    Column("IN USE", align="right"),
    Column("STOPPED", rank=3, align="right"),
)
_WAITERS: Final = (
    Column("", can_shrink=True),
    Column("JOBS", rank=1, align="right"),
    Column("RECORDED", align="right"),
    Column("NEW RULES", align="right"),
    Column("CHANGE", align="right"),
)
_JOBS: Final = (
    Column("JOB", can_shrink=True),
    Column("USER", rank=2, can_shrink=True),
    Column("QUEUE", rank=1, can_shrink=True),
    Column("RECORDED", align="right"),
    Column("NEW RULES", align="right"),
    Column("CHANGE", align="right"),
)


def show_what_if(found: WhatIf) -> None:
    """Print the report, in tables that fit."""
    numbers = found.numbers
    differing = found.decisions.differences
    acts = [each for each in differing if each.changes_actions]
    for name, before, after in found.differing:
        show(f"  {name}: {before} -> {after}")
    show(
        f"{len(acts):,} of {count(found.decisions.cycles, 'recorded cycle')} would have started or "
        f"stopped other jobs, {len(differing) - len(acts):,} more only given other reasons."
    )
    for each in acts[:3]:
        changed = sum(part != "reasons" for part, *_ in each.changes())
        show(f"  sequence {each.sequence}, {instant(each.at)}: {count(changed, 'change')}", "dim")
    out().print()
    print_table(_COURSES, [_course(each) for each in numbers.courses])
    out().print()
    show(
        f"{numbers.better:,} jobs would have waited less, {numbers.worse:,} more; "
        f"in use {signed_points(numbers.other.utilisation - numbers.modelled.utilisation)}."
    )
    for title, rows in (("By user", numbers.users), ("By queue", numbers.queues)):
        out().print()
        more = f", {len(rows) - _ROWS} more in --json or --html" if len(rows) > _ROWS else ""
        show(f"{title}: mean waits, both modelled{more}", "bold")
        print_table(_WAITERS, [_waiter(row) for row in rows[:_ROWS]])
    _show_jobs("Jobs that gain most", numbers.gained)
    _show_jobs("Jobs that lose most", numbers.lost)
    out().print()
    show(_model(numbers), "dim")


def _show_jobs(title: str, rows: list[JobRow]) -> None:
    if rows:
        out().print()
        show(title, "bold")
        print_table(_JOBS, [_job(row) for row in rows[:5]])


def _course(course: Measured) -> list[Cell]:
    return [
        course.label,
        f"{len(course.waits):,}",
        wait_word(course.mean),
        wait_word(course.median),
        wait_word(course.p95),
        percent(course.utilisation),
        f"{course.preemptions:,}",
    ]


def _waiter(row: Row) -> list[Cell]:
    waits = wait_word(row.before), wait_word(row.after)
    return [row.name, f"{row.jobs:,}", *waits, _change(row.change)]


def _job(row: JobRow) -> list[Cell]:
    waits = wait_word(row.before), wait_word(row.after)
    return [row.name, row.user, row.queue, *waits, _change(row.change)]


def _change(seconds: float) -> Text:
    word = signed_wait(seconds)
    return Text(word, style="" if word == "0s" else "green" if seconds < 0 else "red")


def _model(numbers: Comparison) -> str:
    model = numbers.model
    return (
        f"The model by the recorded rules: mean wait {wait_word(model.modelled_mean)} where "
        f"{wait_word(model.recorded_mean)} was recorded, single jobs "
        f"{wait_word(model.mean_distance)} apart on average ({model.jobs:,} jobs)."
    )


def what_if_document(found: WhatIf) -> dict[str, Any]:
    """Return the report for programs."""
    numbers = found.numbers
    differing = found.decisions.differences
    return {
        "source": found.past.source,
        "from": found.past.begin,
        "to": found.past.end,
        "rules": [
            {"rule": name, "recorded": before, "new": after}
            for name, before, after in found.differing
        ],
        "decisions": {
            "cycles": found.decisions.cycles,
            "differing": sum(each.changes_actions for each in differing),
            "differing_in_reasons_only": sum(not each.changes_actions for each in differing),
            "changes": [difference_document(each) for each in differing if each.changes_actions],
        },
        "courses": {
            "recorded": _course_document(numbers.recorded),
            "recorded_rules": _course_document(numbers.modelled),
            "new_rules": _course_document(numbers.other),
        },
        "jobs_that_wait_less": numbers.better,
        "jobs_that_wait_more": numbers.worse,
        "jobs_that_start_only_by_recorded_rules": numbers.only_modelled,
        "jobs_that_start_only_by_new_rules": numbers.only_other,
        "users": [_row_document(row) for row in numbers.users],
        "queues": [_row_document(row) for row in numbers.queues],
        "jobs_that_gain_most": [_job_document(row) for row in numbers.gained],
        "jobs_that_lose_most": [_job_document(row) for row in numbers.lost],
        "model": {
            "jobs": numbers.model.jobs,
            "mean_wait_seconds_recorded": numbers.model.recorded_mean,
            "mean_wait_seconds_modelled": numbers.model.modelled_mean,
            "mean_distance_seconds": numbers.model.mean_distance,
            "jobs_with_guessed_run_time": len(found.times.guessed),
            "jobs_that_were_there_before": len(found.history.carried),
        },
    }


def _course_document(course: Measured) -> dict[str, Any]:
    return {
        "jobs_started": len(course.waits),
        "mean_wait_seconds": course.mean,
        "median_wait_seconds": course.median,
        "p95_wait_seconds": course.p95,
        "max_wait_seconds": course.longest,
        "utilisation_ratio": course.utilisation,
        "preemptions": course.preemptions,
    }


def _row_document(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "jobs": row.jobs,
        "mean_wait_seconds_recorded_rules": row.before,
        "mean_wait_seconds_new_rules": row.after,
        "change_seconds": row.change,
    }


def _job_document(row: JobRow) -> dict[str, Any]:
    return {
        "job_id": row.job_id,
        "name": row.name,
        "user": row.user,
        "queue": row.queue,
        "wait_seconds_recorded_rules": row.before,
        "wait_seconds_new_rules": row.after,
        "change_seconds": row.change,
    }
