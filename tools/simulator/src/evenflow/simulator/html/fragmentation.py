"""How much of what is free nobody can use: over time of whole runs, over demand of placements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evenflow.common.domain.clock import SECOND
from evenflow.simulator.core_run.outcome import HourlySeries
from evenflow.simulator.html.page import Key, Plot, Section, Table
from evenflow.simulator.html.palette import FAINT, series
from evenflow.simulator.html.plots import Curve, Panel, curve_over, over_time, panels
from evenflow.simulator.html.svg import WIDE
from evenflow.simulator.html.words import percent


@dataclass(frozen=True, slots=True)
class Fragmentation:
    """What became of the GPUs while pods came: ratios of all GPUs, in the order of `demand`."""

    demand: Sequence[float]  # GPUs asked for so far, over all GPUs
    unusable: Sequence[float]  # free, but of no use to what comes
    allocated: float = 0.0  # at the end


def fragmentation_sections(
    hourly: Mapping[str, HourlySeries], fragmentation: Mapping[str, Fragmentation]
) -> list[Section]:
    """Return what there is to show; nothing when nothing is known."""
    sections = []
    if curves := _hourly(hourly):
        parts: list[Plot | Table] = [
            Plot(
                "Stranded part of what is free", over_time(curves, is_percent=True), WIDE,
                "Part of the free capacity that lies on nodes which hold something",
                _keys(list(hourly)),
                "Free capacity on nodes that hold something, over all free capacity.",
            )
        ]  # fmt: skip
        sections.append(Section("Fragmentation", parts))
        sections += [_entitled(label, each) for label, each in hourly.items() if each.queue_share]
    if fragmentation:
        sections.append(_over_demand(fragmentation))
    return sections


def _hourly(hourly: Mapping[str, HourlySeries]) -> list[Curve]:
    return [
        Curve(label, _seconds(each), np.array(each.fragmentation), series(index))
        for index, (label, each) in enumerate(hourly.items())
        if len(each.at) > 1
    ]


def _entitled(label: str, hours: HourlySeries) -> Section:
    """Return what queues held against the fair shares that the core divided."""
    at = _seconds(hours)
    most = sorted(hours.queue_share, key=lambda path: (-sum(hours.queue_share[path]), path))[:6]
    shown = [
        Panel(
            path,
            [
                Curve(
                    "fair share", at, np.array(hours.queue_entitlement[path]), FAINT, is_dashed=True
                ),
                Curve("held", at, np.array(hours.queue_share[path]), series(0)),
            ],
        )
        for path in most
    ]
    columns = min(3, len(shown))
    plot = Plot(
        f"What queues held, {label}",
        panels(shown, columns=columns),
        (10.2, 2.1 * -(-len(shown) // columns) + 0.4),
        "What queues held over time against their fair shares",
        [Key("held", series(0)), Key("fair share", FAINT, "dash")],
        f"Parts of all {hours.resource}.",
    )
    return Section("Queues against their fair shares", [plot])


def _over_demand(found: Mapping[str, Fragmentation]) -> Section:
    curves = [
        Curve(label, np.array(each.demand), np.array(each.unusable), series(index))
        for index, (label, each) in enumerate(found.items())
    ]
    rows = [(label, percent(each.allocated)) for label, each in found.items()]
    plot = Plot(
        "GPUs that nobody can use",
        curve_over(curves, x_label="GPUs asked for, of all", y_label="unusable, of all"),
        WIDE,
        "Unusable GPUs over the GPUs asked for",
        _keys(list(found)),
        "Free GPUs on nodes where what comes would not fit.",
    )
    table = Table("GPUs allocated at the end", ("strategy", "allocated"), rows)
    return Section("Fragmentation", [plot, table])


def _seconds(hours: HourlySeries) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return (np.array(hours.at, dtype=np.float64) - (hours.at[0] if hours.at else 0)) / SECOND


def _keys(labels: Sequence[str]) -> list[Key]:
    return [Key(label, series(index)) for index, label in enumerate(labels)]
