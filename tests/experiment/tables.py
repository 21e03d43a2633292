"""The experiment as CSV."""

import csv
from collections.abc import Iterable
from pathlib import Path

from evenflow.common.domain.clock import HOUR
from tests.experiment.figures import Figures, share_of, usage_of
from tests.experiment.lived import Lived
from tests.experiment.plots import Played
from tests.experiment.scenario import GPUS, QUEUES

_ROWS = 200


def write_figures(path: Path, figures: Iterable[Figures]) -> None:
    """One line a run: what it was and what came of it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(
            ["where", "half_life_hours", "k", "gpus_a_job", "deserved"]
            + [f"{queue}_gpu_hours" for queue in QUEUES]
            + ["gap", "share_after_return", "even_after_hours", "least_gpus_of_" + QUEUES[0]]
        )
        for each in figures:
            scenario = each.scenario
            lines.writerow(
                (
                    *(each.where, scenario.half_life_us / HOUR, scenario.k, scenario.width),
                    *(scenario.deserved, *(f"{hours:.3f}" for hours in each.hours)),
                    *(f"{each.gap:.4f}", f"{each.back:.4f}", each.even_after, each.least),
                )
            )


def write_core(path: Path, played: Iterable[Played]) -> None:
    """Mean GPUs and usage of both queues, in equal steps of each run."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(
            ["half_life_hours", "k", "gpus_a_job", "deserved", "until_hours"]
            + [f"{queue}_gpus" for queue in QUEUES]
            + [f"{queue}_usage" for queue in QUEUES]
        )
        for scenario, held in played:
            step = scenario.end // _ROWS
            for at in range(0, scenario.end - step, step):
                shares = [share_of(held[queue], at, at + step) * GPUS for queue in QUEUES]
                usages = [usage_of(scenario, held[queue], at + step) for queue in QUEUES]
                lines.writerow(
                    [scenario.half_life_us / HOUR, scenario.k, scenario.width, scenario.deserved]
                    + [f"{value:.4f}" for value in ((at + step) / HOUR, *shares, *usages)]
                )


def write_live(path: Path, lived: Lived) -> None:
    """One line for each fact of the log that changed something, with its sequence."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(
            ["sequence", "fact", "hours"]
            + [f"{queue}_gpus" for queue in QUEUES]
            + [f"{queue}_usage" for queue in QUEUES]
        )
        for row in lived.rows:
            hours = (row.at - lived.began_at) / HOUR
            lines.writerow(
                [row.sequence, row.fact, f"{hours:.5f}"]
                + [row.gpus[queue] for queue in QUEUES]
                + [row.usage[queue] for queue in QUEUES]
            )
