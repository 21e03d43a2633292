"""`make experiment`: fairness over time, through the core and live; CSV, pictures, a table.

Fails when GPU-hours are not within 5 % of each other over the last two half-lives of any run, when
a queue that returns does not catch up, or when history touches what is deserved.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from evenflow.common.domain.clock import HOUR, SECOND
from tests.experiment import live, through_core
from tests.experiment import plots as draw
from tests.experiment.figures import Figures, figures_of
from tests.experiment.plots import Played
from tests.experiment.scenario import GPUS, MINUTE, Scenario
from tests.experiment.tables import write_core, write_figures, write_live

HALF_LIVES: Final = (1, 4, 12)  # hours
KS: Final = (0.0, 1.0, 4.0)
TURNS: Final = Scenario(HOUR, 1.0, width=GPUS, job_us=MINUTE, poll_us=15 * SECOND)
DESERVED: Final = Scenario(4 * HOUR, 20.0, deserved=8)
SPEED: Final = 240
# A running system polls once a wall second at most, so the interval may as well be short.
LIVE: Final = Scenario(
    40 * MINUTE, 1.0, leaves=40 * MINUTE, returns=80 * MINUTE, settle_half_lives=5, poll_us=SECOND
)
_COLUMNS: Final = (
    *("run", "H", "k", "job", "deserved"),
    *("GPU-hours", "apart", "back", "even", "least"),
)
_WIDE: Final = (10.0, 3.0)
_DOCS: Final = Path("docs/images")


def main() -> int:
    """Play everything; return 1 when something is not as it must be."""
    parser = argparse.ArgumentParser(description="Show fairness over time.")
    parser.add_argument("--into", type=Path, default=Path("build/experiment"), metavar="DIR")
    parser.add_argument("--docs", action="store_true", help=f"pictures go to {_DOCS} too")
    parser.add_argument("--no-live", action="store_true", help="only through the core")
    options = parser.parse_args()
    folders = [options.into, _DOCS] if options.docs else [options.into]
    options.into.mkdir(parents=True, exist_ok=True)
    console = Console()
    grid = {(hours, k): _played(Scenario(hours * HOUR, k)) for hours in HALF_LIVES for k in KS}
    turns, deserved = _played(TURNS), _played(DESERVED)
    core = [*grid.values(), turns, deserved]
    figures = [figures_of(scenario, "core", held) for scenario, held in core]
    write_core(options.into / "core.csv", core)
    for folder in folders:
        _draw_core(folder, grid, turns, deserved)
    if not options.no_live:
        console.print("playing live: a few minutes")
        with tempfile.TemporaryDirectory(prefix="evenflow-experiment-") as home:
            lived = asyncio.run(live.play(LIVE, Path(home), SPEED))
        held = lived.held()
        figures.append(figures_of(LIVE, "live", held))
        write_live(options.into / "live.csv", lived)
        for folder in folders:
            draw.draw(
                folder / "fairness-live.svg",
                _WIDE,
                draw.gpus_panel((LIVE, held), "A running system: GPUs held"),
                draw.told_panel(lived),
            )
    write_figures(options.into / "figures.csv", figures)
    return _report(console, figures, options.into)


def _played(scenario: Scenario) -> Played:
    return scenario, through_core.play(scenario)


def _draw_core(
    folder: Path, grid: dict[tuple[int, float], Played], turns: Played, deserved: Played
) -> None:
    one = grid[4, 1.0]
    draw.draw(
        folder / "fairness-return.svg",
        _WIDE,
        draw.gpus_panel(one, "GPUs held: half-life 4 h, k = 1"),
        draw.usage_panel(one, "Usage, which bends the division"),
    )
    draw.draw(
        folder / "fairness-grid.svg",
        _WIDE,
        *(draw.return_panel([grid[hours, k] for k in KS], 2.0 * hours + 2) for hours in HALF_LIVES),
    )
    draw.draw(
        folder / "fairness-limits.svg",
        _WIDE,
        draw.gpus_panel(deserved, "speech deserves 8; k = 20"),
        draw.turns_panel(turns, 4 * HOUR, 30),
    )


def _report(console: Console, figures: list[Figures], into: Path) -> int:
    table = Table(title="Fairness over time", box=SIMPLE, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    failed = []
    for each in figures:
        scenario = each.scenario
        table.add_row(
            each.where,
            f"{scenario.half_life_us / HOUR:.3g} h",
            f"{scenario.k:g}",
            str(scenario.width),
            str(scenario.deserved),
            ":".join(f"{hours:.1f}" for hours in each.hours),
            f"{each.gap:.1%}",
            f"{each.back:.0%}",
            "-" if each.even_after is None else f"{each.even_after:.1f} h",
            str(each.least),
        )
        failed += [f"{each.where}, {scenario}: {broken}" for broken in each.broken()]
    console.print(table)
    console.print(
        "H: half-life; job: GPUs of each; GPU-hours and apart: over the last two half-lives; "
        "back: the share of the queue that was away, in the half-life after its return; even: when "
        "after it usages are within 0.05 for good; least: GPUs of the queue that stays.\n"
        f"CSV and pictures: {into}"
    )
    for line in failed:
        console.print(f"[red]{line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
