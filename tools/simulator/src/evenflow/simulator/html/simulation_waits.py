"""Who waited in a simulation: by size, by user, and how long altogether."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from evenflow.simulator.html.page import Plot, Table
from evenflow.simulator.html.palette import Colour, series
from evenflow.simulator.html.plots import Curve, bars, distribution
from evenflow.simulator.html.schedule_numbers import (
    ScheduleNumbers,
    keys_of,
    mean_or_zero,
    shortened,
)
from evenflow.simulator.html.series import at_quantiles, size_classes
from evenflow.simulator.html.svg import HALF, WIDE
from evenflow.simulator.html.words import wait_word

_USERS: Final = 8
_USERS_IN_TABLE: Final = 40


def wait_parts(numbers: Sequence[ScheduleNumbers]) -> list[Plot | Table]:
    """Return the plots and the table of waits."""
    labels = [found.label for found in numbers]
    colours = [series(index) for index in range(len(numbers))]
    widths = [int(width) for found in numbers for width in np.unique(found.width)]
    classes = size_classes(widths)
    by_size = {
        found.label: [
            mean_or_zero(found.wait[(found.width >= least) & (found.width <= most)])
            for _, least, most in classes
        ]
        for found in numbers
    }
    keys = keys_of(labels, "box")
    curves = [
        Curve(found.label, *at_quantiles(found.wait), series(index))
        for index, found in enumerate(numbers)
    ]
    parts: list[Plot | Table] = [
        Plot(
            "Mean wait by size", bars([name for name, *_ in classes], by_size, colours), HALF,
            "Mean wait of jobs by their number of slots", keys, is_half=True,
        ),
        Plot(
            "How long jobs waited", distribution(curves), HALF,
            "Part of all jobs that waited at most so long", keys_of(labels), is_half=True,
        ),
    ]  # fmt: skip
    return parts + _waits_by_user(numbers, colours)


def _waits_by_user(
    numbers: Sequence[ScheduleNumbers], colours: Sequence[Colour]
) -> list[Plot | Table]:
    """Return a plot of the busiest users, and a table of more of them; nothing without users."""
    first = numbers[0]
    names, counts = np.unique(first.user[first.user != ""], return_counts=True)
    if not len(names):
        return []
    busiest = [str(names[i]) for i in np.lexsort((names, -counts))]
    jobs = dict(zip(map(str, names), map(int, counts), strict=True))
    means = {
        found.label: {
            user: mean_or_zero(found.wait[found.user == user]) for user in busiest[:_USERS_IN_TABLE]
        }
        for found in numbers
    }
    shown = busiest[:_USERS]
    rows = [
        [user, f"{jobs[user]:,}", *(wait_word(means[found.label][user]) for found in numbers)]
        for user in busiest[:_USERS_IN_TABLE]
    ]
    more = len(busiest) - len(rows)
    return [
        Plot(
            "Mean wait by user",
            bars(
                [shortened(user) for user in shown],
                {label: [each[user] for user in shown] for label, each in means.items()},
                colours,
            ),
            WIDE,
            "Mean wait of the users with most jobs",
            keys_of([found.label for found in numbers], "box"),
            f"The {len(shown)} users with most jobs.",
        ),
        Table(
            "Users", ["user", "jobs", *(f"mean wait, {found.label}" for found in numbers)], rows,
            note=f"and {more:,} more" if more else "", is_folded=True,
        ),
    ]  # fmt: skip
