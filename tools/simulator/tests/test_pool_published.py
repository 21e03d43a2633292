"""The pool against published results, on a real log; loosely, for others may break ties anew."""

import os
from pathlib import Path

import pytest

from evenflow.simulator.measures import measure
from evenflow.simulator.pool import simulate_pool
from evenflow.simulator.traces.swf import read_swf

TRACES = Path(os.environ.get("EVENFLOW_TRACES", Path(__file__).parents[4] / "shared" / "data"))
LOG = TRACES / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz"
PUBLISHED_RESPONSE_SECONDS = 14_514


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
def test_easy_agrees_with_the_literature(trace, order, estimate, published):
    found = measure(simulate_pool(trace, order=order, estimate=estimate))
    assert found.jobs == 28_467
    assert found.mean_bounded_slowdown == pytest.approx(published, rel=0.01)


def test_best_and_learned_are_a_tenth_better_and_wide_jobs_wait_no_longer(trace):
    easy = measure(simulate_pool(trace))
    best = measure(simulate_pool(trace, order="best", estimate="learned"))
    assert best.mean_bounded_slowdown <= 0.9 * 62.9
    assert best.mean_response_seconds <= PUBLISHED_RESPONSE_SECONDS
    widest = best.mean_wait_seconds_widest_tenth
    assert widest <= 1.5 * easy.mean_wait_seconds_widest_tenth
