"""What the simulator makes of a classic log is what the literature says of it.

The logs are found in the folder that EVENFLOW_TRACES names, else in ../shared/data.
"""

import os
from pathlib import Path

import pytest

from evenflow.simulator.measures import measure
from evenflow.simulator.pool import simulate_pool
from evenflow.simulator.traces.swf import read_swf

TRACES = Path(os.environ.get("EVENFLOW_TRACES", Path(__file__).parents[5] / "shared" / "data"))
LOG = TRACES / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz"


@pytest.fixture(scope="module")
def trace():
    if not LOG.exists():
        pytest.skip(f"there is no {LOG.name}; EVENFLOW_TRACES may name the folder of logs")
    return read_swf(LOG)


@pytest.mark.parametrize(
    ("order", "estimate", "published"),
    [
        ("fcfs", "limit", 92.6),
        ("shortest", "limit", 69.4),
        ("shortest", "perfect", 49.8),
        ("shortest", "mean2", 62.9),
    ],
)
def test_easy_has_the_published_bounded_slowdown(trace, order, estimate, published):
    schedule = simulate_pool(trace, backfill="easy", order=order, estimate=estimate)
    assert measure(schedule).mean_bounded_slowdown == pytest.approx(published, rel=0.01)


def test_best_and_learned_beat_the_best_published_by_a_tenth(trace):
    found = measure(simulate_pool(trace, order="best", estimate="learned"))
    easy = measure(simulate_pool(trace))
    assert found.mean_bounded_slowdown <= 0.9 * 62.9
    assert found.mean_response_seconds <= 14_514
    widest = found.mean_wait_seconds_widest_tenth
    assert widest <= 1.5 * easy.mean_wait_seconds_widest_tenth
