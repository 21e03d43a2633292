"""One seed of the placement experiment stays near the published figures, and above in ours.

The lists are found in the folder that EVENFLOW_TRACES names, else in ../shared/data.
"""

import os
from pathlib import Path

import pytest

from evenflow.simulator.openb import run_openb

FOLDER = (
    Path(os.environ.get("EVENFLOW_TRACES", Path(__file__).parents[5] / "shared" / "data")) / "openb"
)
NODES = FOLDER / "openb_node_list_gpu_node.csv.gz"

pytestmark = pytest.mark.skipif(not NODES.exists(), reason="the openb lists are not here")


@pytest.mark.parametrize(
    ("pods", "strategy", "least", "most"),
    [
        ("default", "random", 0.865, 0.885),
        ("default", "best-fit", 0.925, 0.937),
        ("gpushare100", "best-fit", 0.843, 0.857),
        ("default", "least-fragmentation", 0.954, 1.0),
        ("multigpu50", "least-fragmentation", 0.972, 1.0),
    ],
)
def test_a_seed_allocates_as_many_gpus_as_published(pods, strategy, least, most):
    path = FOLDER / f"openb_pod_list_{pods}.csv.gz"
    report = run_openb(NODES, path, strategy=strategy, seeds=[42])
    assert report.nodes == 1213
    assert report.capacity_gpu == 6_212_000
    assert least <= report.gpu_allocated_ratio <= most
