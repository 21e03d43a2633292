"""Placement of the openb pods: GPUs allocated at 130 % demand, beside published figures.

The lists are found in the folder that EVENFLOW_TRACES names, else in ../shared/data.

Published: Weng et al., "Beware of Fragmentation" (USENIX ATC 2023), mean of ten seeds.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from evenflow.simulator.openb import run_openb

FOLDER: Final = (
    Path(os.environ.get("EVENFLOW_TRACES", Path(__file__).parents[4] / "shared" / "data")) / "openb"
)
NODES: Final = "openb_node_list_gpu_node.csv.gz"
PUBLISHED: Final = {  # random, best-fit, fragmentation gradient descent
    "default": (87.5, 93.1, 95.4),
    "gpuspec33": (86.5, 93.1, 94.6),
    "gpushare100": (79.4, 85.0, 86.9),
    "multigpu50": (90.3, 95.7, 97.2),
}
STRATEGIES: Final = ("random", "best-fit", "least-fragmentation")
OTHERS: Final = ("cpu050", "cpu200", "gpuspec10", "gpushare40", "multigpu20")
Row = tuple[str, str, str]
"""What, ours, published."""


def steps() -> int:
    """Return how often `tell` is told when the lists are there."""
    return len(PUBLISHED) * len(STRATEGIES)


def rows(folder: Path = FOLDER, tell: Callable[[str], None] = lambda _: None) -> Iterator[Row]:
    """Yield the table; `tell` is told what is going to be measured, for a progress bar."""
    if not (folder / NODES).exists():
        yield "openb, GPUs allocated at 130 % demand", f"left out: there is no {NODES}", ""
        return
    for name, published in PUBLISHED.items():
        for strategy, figure in zip(STRATEGIES, published, strict=True):
            what = f"openb {name}: {strategy}"
            tell(what)
            yield what, ours(folder, name, strategy), f"{figure} %"


def ours(folder: Path, name: str, strategy: str) -> str:
    """Return GPUs allocated in percent, mean of ten seeds, and how long that took."""
    pods = folder / f"openb_pod_list_{name}.csv.gz"
    report = run_openb(folder / NODES, pods, strategy=strategy)
    seconds = sum(each.seconds for each in report.filled)
    return f"{100 * report.gpu_allocated_ratio:.2f} % of GPUs ({seconds:.0f} s)"


if __name__ == "__main__":
    for row in rows():
        print("{:40} {:28} {}".format(*row), flush=True)
    for other in OTHERS:  # of which no figures are stated
        for each in (*STRATEGIES, "pack"):
            print(f"{f'openb {other}: {each}':40} {ours(FOLDER, other, each)}", flush=True)
