import os
from dataclasses import replace
from pathlib import Path

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.simulator.core_run.simulate import run_core
from evenflow.simulator.shares import share_error, share_error_of_waiting
from evenflow.simulator.trace import Trace
from evenflow.simulator.traces.ls6 import read_ls6

TRACES = Path(os.environ.get("EVENFLOW_TRACES", Path(__file__).parents[5] / "shared" / "data"))
LOG = TRACES / "ls6" / "ls6-a100.log.gz"
BUSY = slice(9000, 12_000)  # jobs of weeks in which many wait


@pytest.fixture(scope="module")
def trace():
    if not LOG.exists():
        pytest.skip(f"there is no {LOG.name}; EVENFLOW_TRACES may name the folder of logs")
    whole = read_ls6(LOG)
    return Trace("busy weeks", whole.slots, whole.jobs[BUSY], gpus_per_slot=whole.gpus_per_slot)


def mean_wait(schedule):
    jobs = schedule.trace.jobs
    waits = [s - job.submit_us for s, job in zip(schedule.start_us, jobs, strict=True)]
    return sum(waits) / len(waits)


def test_fair_share_serves_real_users_more_evenly_than_first_come_at_no_longer_wait(trace):
    settings = SchedulerSettings(policy="fifo", backfill="easy")
    fifo = run_core(trace, settings).schedule
    fair = run_core(trace, replace(settings, policy="fairshare")).schedule
    for measure, most in ((share_error, 0.9), (share_error_of_waiting, 0.6)):
        ours, theirs = measure(fair), measure(fifo)
        assert ours is not None
        assert theirs is not None
        assert ours < most * theirs
    assert mean_wait(fair) < 1.05 * mean_wait(fifo)
