"""Pictures of the experiment, for the documents."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evenflow.common.domain.clock import HOUR, Instant
from tests.experiment.figures import share_of, usage_of
from tests.experiment.held import Held
from tests.experiment.lived import Lived
from tests.experiment.scenario import AWAY, GPUS, MINUTE, QUEUES, STAYING, Scenario

Played = tuple[Scenario, Mapping[str, Held]]
COLOURS: Final = {STAYING: "#2a78d6", AWAY: "#eb6834"}
_BY_K: Final = ("#898781", "#2a78d6", "#4a3aa7", "#e34948")
_POINTS: Final = 160
_STYLE: Final[Any] = {
    "svg.hashsalt": "evenflow",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e5df",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "#fcfcfb",
    "axes.facecolor": "#fcfcfb",
}


def draw(path: Path, size: tuple[float, float], *panels: Callable[[Any], None]) -> None:
    """Write panels side by side as SVG; the same numbers make the same bytes."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second, only for pictures
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        for axes, panel in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            panel(axes)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def gpus_panel(played: Played, title: str) -> Callable[[Any], None]:
    """GPUs that both queues hold, over the whole scenario."""
    scenario, held = played

    def panel(axes: Any) -> None:
        step = scenario.end // _POINTS
        for queue in QUEUES:
            means = [
                share_of(held[queue], at, at + step) * GPUS for at in range(0, scenario.end, step)
            ]
            axes.plot(_hours(scenario, step), means, color=COLOURS[queue], label=queue)
        _away(axes, scenario)
        if scenario.deserved:
            axes.axhline(scenario.deserved, color="#52514e", linestyle=":", linewidth=1)
        axes.set(title=title, xlabel="hours", ylabel="GPUs", ylim=(-0.4, GPUS + 0.6))
        axes.legend(loc="upper right")

    return panel


def usage_panel(played: Played, title: str) -> Callable[[Any], None]:
    """The usage that the division sees."""
    scenario, held = played

    def panel(axes: Any) -> None:
        step = scenario.end // _POINTS
        for queue in QUEUES:
            usage = [
                usage_of(scenario, held[queue], at + step) for at in range(0, scenario.end, step)
            ]
            axes.plot(_hours(scenario, step), usage, color=COLOURS[queue], label=queue)
        _away(axes, scenario)
        axes.set(title=title, xlabel="hours", ylabel="usage U", ylim=(-0.02, 1.04))

    return panel


def return_panel(grid: Sequence[Played], hours: float) -> Callable[[Any], None]:
    """What the queue gets that returns, by k, all with one half-life."""

    def panel(axes: Any) -> None:
        step = round(hours * HOUR / 40)
        for (scenario, held), colour in zip(grid, _BY_K, strict=False):
            begins = [scenario.returns + index * step for index in range(40)]
            shares = [share_of(held[AWAY], at, at + step) for at in begins]
            after = [(at + step / 2 - scenario.returns) / HOUR for at in begins]
            axes.plot(after, shares, color=colour, label=f"k = {scenario.k:g}")
        half_life = grid[0][0].half_life_us / HOUR
        axes.set(title=f"half-life {half_life:g} h", xlabel="hours after the return")
        axes.set(ylabel="share of the GPUs", ylim=(0.4, 1.04))
        axes.legend(loc="upper right")

    return panel


def turns_panel(played: Played, begin: Instant, minutes: int) -> Callable[[Any], None]:
    """Whose turn it is, when each job takes all GPUs."""
    _, held = played

    def panel(axes: Any) -> None:
        for row, queue in enumerate(QUEUES):
            at = [second / 20 for second in range(minutes * 20)]
            on = [held[queue].gpus(begin + round(minute * MINUTE)) > 0 for minute in at]
            axes.fill_between(at, row, row + 0.8, where=on, color=COLOURS[queue], linewidth=0)
        axes.set_yticks([row + 0.4 for row in range(len(QUEUES))], QUEUES)
        axes.set(title="Jobs of all 16 GPUs take turns", xlabel="minutes")

    return panel


def told_panel(lived: Lived) -> Callable[[Any], None]:
    """Usage as the snapshots in the log of the running system said."""

    def panel(axes: Any) -> None:
        rows = [row for row in lived.rows if row.fact == "usage.snapshot-taken"]
        rows = [row for row in rows if 0 <= row.at - lived.began_at <= lived.scenario.end]
        for queue in QUEUES:
            at = [(row.at - lived.began_at) / HOUR for row in rows]
            axes.plot(at, [row.usage[queue] for row in rows], color=COLOURS[queue], label=queue)
        _away(axes, lived.scenario)
        axes.set(title="Usage in its snapshots", xlabel="hours", ylabel="usage U")
        axes.set(ylim=(-0.02, 1.04))

    return panel


def _hours(scenario: Scenario, step: int) -> list[float]:
    return [(at + step / 2) / HOUR for at in range(0, scenario.end, step)]


def _away(axes: Any, scenario: Scenario) -> None:
    axes.axvspan(scenario.leaves / HOUR, scenario.returns / HOUR, color="#efeee8", zorder=0)
