"""The kinds of plots that reports are made of. Each returns a function that draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenflow.simulator.html.palette import AXIS, FAINT, INK, LESS, MORE, SOFT, Colour
from evenflow.simulator.html.svg import Draw
from evenflow.simulator.html.words import duration_ticks, time_unit, wait_word

Floats = NDArray[np.float64]
_BAR: Final = 0.8  # of the room between two groups


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: `x` seconds since the beginning, or whatever the plot says."""

    label: str
    x: Floats
    y: Floats
    colour: Colour
    is_dashed: bool = False


def over_time(
    curves: Sequence[Curve],
    *,
    is_percent: bool = False,
    top: float | None = None,
    mark: tuple[float, str] | None = None,
) -> Draw:
    """Draw curves over time, in the unit that suits their span.

    `mark` is an instant that is told apart, in seconds, and what it is.
    """

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        _over_time(axes, curves, is_percent=is_percent, top=top)
        if mark is not None and mark[0] < 0.99 * _span(curves):
            at = mark[0] / time_unit(_span(curves))[1]
            axes.axvline(at, color=AXIS.stand_in, linewidth=1, zorder=1)
            axes.annotate(
                mark[1], (at, 1), (5, -3), xycoords=("data", "axes fraction"),
                textcoords="offset points", va="top", color=FAINT.stand_in, fontsize=7.5,
            ).set_in_layout(False)  # fmt: skip

    return draw


def _span(curves: Sequence[Curve]) -> float:
    return max((float(curve.x[-1]) for curve in curves if len(curve.x)), default=1.0)


def _over_time(
    axes: Any, curves: Sequence[Curve], *, is_percent: bool, top: float | None = None
) -> None:
    span = _span(curves)
    unit, seconds = time_unit(span)
    for curve in curves:
        axes.plot(
            curve.x / seconds,
            curve.y * (100 if is_percent else 1),
            color=curve.colour.stand_in,
            linestyle=(0, (3, 2)) if curve.is_dashed else "solid",
            linewidth=1.1 if curve.is_dashed else 1.6,
        )
    axes.set_xlim(0, span / seconds or 1)
    axes.set_ylim(0, top)
    axes.set_xlabel(unit)
    if is_percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")


@dataclass(frozen=True, slots=True)
class Panel:
    """What one queue or user held over time, and what it was entitled to, as ratios."""

    title: str
    curves: Sequence[Curve]


def panels(shown: Sequence[Panel], *, columns: int) -> Draw:
    """Draw small plots side by side, all with the same axes."""

    def draw(figure: Any) -> None:
        rows = -(-len(shown) // columns)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        highest = max(float(np.nanmax(c.y, initial=0)) for panel in shown for c in panel.curves)
        for index, axes in enumerate(grid.flat):
            if index >= len(shown):
                axes.set_visible(False)
                continue
            _over_time(axes, shown[index].curves, is_percent=True, top=105 * highest or 1)
            axes.set_title(shown[index].title, loc="left", color=INK.stand_in, fontsize=8.5)
            if index + columns < len(shown):
                axes.set_xlabel("")

    return draw


def bars(
    groups: Sequence[str],
    values: Mapping[str, Sequence[float]],
    colours: Sequence[Colour],
    *,
    format_value: Callable[[float], str] = wait_word,
) -> Draw:
    """Draw groups of upright bars, one bar a series in each, with the value above it."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        width = _BAR / max(1, len(values))
        at = np.arange(len(groups), dtype=float)
        for index, (series, colour) in enumerate(zip(values.values(), colours, strict=False)):
            left = at - _BAR / 2 + index * width
            drawn = axes.bar(
                left, series, width * 0.9, align="edge", color=colour.stand_in, linewidth=0
            )
            if len(values) * len(groups) <= 24:  # noqa: PLR2004 - more would overlap
                axes.bar_label(
                    drawn, [format_value(each) for each in series], padding=2, fontsize=6.5
                )
        axes.set_xticks(at, groups)
        axes.grid(visible=False, axis="x")
        axes.set_ylim(0, None)
        duration_ticks(axes.yaxis)

    return draw


@dataclass(frozen=True, slots=True)
class Change:
    """A value of somebody, before and after."""

    name: str
    before: float
    after: float


def dumbbells(changes: Sequence[Change]) -> Draw:
    """Draw who waits less and who more: from a ring to a dot, one line each, the first on top."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for row, change in enumerate(changes):
            colour = LESS if change.after <= change.before else MORE
            axes.plot(
                [change.before, change.after], [row, row],
                color=colour.stand_in, linewidth=2.4, alpha=0.55, zorder=2,
            )  # fmt: skip
            axes.plot(
                change.before, row, "o", markersize=5.5, zorder=3,
                markerfacecolor=FAINT.stand_in, markeredgewidth=0,
            )  # fmt: skip
            axes.plot(
                change.after, row, "o", markersize=7, zorder=4,
                markerfacecolor=colour.stand_in, markeredgewidth=0,
            )  # fmt: skip
        axes.set_yticks(range(len(changes)), [change.name for change in changes])
        axes.set_ylim(len(changes) - 0.4, -0.6)
        axes.tick_params(axis="y", labelcolor=INK.stand_in)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlim(0, None)
        duration_ticks(axes.xaxis)

    return draw


def distribution(curves: Sequence[Curve]) -> Draw:
    """Draw what part of all jobs waited at most so long; `x` seconds, `y` ratios."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        longest = max((float(c.x.max()) for c in curves if len(c.x)), default=1.0)
        for curve in curves:
            axes.step(
                np.concatenate(([0.0], curve.x, [longest])),
                np.concatenate(([0.0], curve.y, [1.0])) * 100,
                where="post",
                color=curve.colour.stand_in,
                linestyle=(0, (3, 2)) if curve.is_dashed else "solid",
            )
        # Short waits matter as much as long ones: even up to a minute, then by magnitude.
        even_up_to = max(1.0, min(60.0, longest / 20))
        axes.set_xscale("symlog", linthresh=even_up_to)
        axes.set_xlim(0, longest or 1)
        axes.set_ylim(0, 101)
        axes.set_xlabel("wait at most")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        duration_ticks(axes.xaxis, magnitudes_from=even_up_to)
        axes.tick_params(axis="x", which="minor", size=0)

    return draw


def curve_over(curves: Sequence[Curve], *, x_label: str, y_label: str) -> Draw:
    """Draw curves of ratios over a ratio, such as what is unusable over what was asked for."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for curve in curves:
            axes.plot(curve.x * 100, curve.y * 100, color=curve.colour.stand_in)
        axes.set_xlabel(x_label, color=SOFT.stand_in)
        axes.set_ylabel(y_label, color=SOFT.stand_in)
        axes.set_ylim(0, None)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")

    return draw
