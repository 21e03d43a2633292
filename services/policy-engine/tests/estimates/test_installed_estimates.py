"""Estimators that somebody installed: found by name, asked by the cycle, never in its way."""

import os
import subprocess
import sys

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import jobs, settings
from evenflow.common.testing.builders import T0, a_node, a_spec
from evenflow.common.testing.installed import install
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.estimates import Learned
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import Plugins

MINUTE = 60 * SECOND
SOURCE = """
from evenflow.policy_engine.core.estimates import Learned

class Quick(Learned):
    name = "quick"

    def plan(self, job):
        return 60_000_000
"""
ASK = """
from evenflow.common.runtime.settings import load
from evenflow.policy_engine.config import plugins_of, scheduler_settings
from evenflow.policy_engine.core.estimates import Features

found = load(environ={"EVENFLOW_BACKFILL__ESTIMATES": "quick"}, dotenv=None)
kind = plugins_of(found).estimators[scheduler_settings(found).estimates]
print(kind().plan(Features("ann", "train", 1, None)))
"""


def test_an_installed_estimate_is_chosen_by_its_name_in_the_settings(tmp_path):
    points = {"evenflow.estimates": {"quick": "quick_runs:Quick"}}
    folder = install(tmp_path, "quick-runs", points, quick_runs=SOURCE)
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.stdout.strip(), asked.stderr) == ("60000000", "")


class Quick(Learned):
    name = "wild"

    def plan(self, job):  # noqa: ARG002 - whoever asks
        return MINUTE


class Unmade(Quick):
    def __init__(self):
        raise SystemExit("not now")


class Leaving(Quick):
    def plan(self, job):
        raise SystemExit(f"asked about {job}")


class Unsure(Quick):
    def plan(self, job):  # noqa: ARG002 - as above
        return float("nan")


class Deaf(Quick):
    def learn(self, job, run_us, ended_at):  # noqa: ARG002 - as above
        raise RuntimeError("says nothing to me")


def placed(kind):
    """Who starts: half the node is held for an hour, a wide job waits, a short one comes behind."""
    shard = Shard().with_leader().with_queues("default/default")
    shard.with_nodes(a_node("n1", cpu=8_000))
    shard.tell(settings.Set(SchedulerSettings(estimates="wild", backfill="easy")))
    asks = ((4_000, 60), (8_000, 60), (2_000, 30), (2_000, 90))
    specs = [
        a_spec(number, resources={"cpu": cpu}, time_limit_us=minutes * MINUTE, user="ann")
        for number, (cpu, minutes) in enumerate(asks)
    ]
    shard.tell(jobs.Submitted(tuple(specs)))
    state = EngineState(shard.state, Plugins(estimators={"wild": kind}))
    found = [each.job_id for each in run_cycle(state, shard.state.settings, T0).placements]
    return [number for number, spec in enumerate(specs) if spec.id in found], state.planning.failed


def test_a_cycle_fills_gaps_by_what_an_installed_estimate_plans():
    assert placed(Quick) == ([0, 2, 3], {})


@pytest.mark.parametrize("kind", [Unmade, Leaving, Unsure])
def test_a_cycle_fills_gaps_by_limits_when_an_installed_estimate_is_of_no_use(kind):
    started, failed = placed(kind)
    assert started == [0, 2]
    assert list(failed) == ["wild"]


def test_what_an_estimate_does_not_want_to_learn_ends_nothing():
    assert placed(Deaf) == ([0, 2, 3], {})
