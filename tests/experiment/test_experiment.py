"""Fairness over time, in short: equal use, catching up, and what history never touches."""

from dataclasses import replace

import pytest

from evenflow.common.domain.clock import HOUR, SECOND
from tests.experiment import live, through_core
from tests.experiment.figures import CLOSE, figures_of, usage_of
from tests.experiment.held import Held
from tests.experiment.scenario import AWAY, GPUS, MINUTE, STAYING, Scenario

SHORT = Scenario(HOUR, 1.0, leaves=2 * HOUR, returns=4 * HOUR, settle_half_lives=6)


@pytest.mark.parametrize("k", [1.0, 4.0])
def test_two_queues_converge_and_whoever_was_away_catches_up(k):
    scenario = replace(SHORT, k=k)
    figures = figures_of(scenario, "core", through_core.play(scenario))
    assert not list(figures.broken())
    assert figures.back > 0.5 + CLOSE


def test_without_k_the_past_bends_nothing():
    scenario = replace(SHORT, k=0.0)
    figures = figures_of(scenario, "core", through_core.play(scenario))
    assert figures.back == pytest.approx(0.5, abs=CLOSE)
    assert figures.gap <= CLOSE


def test_jobs_that_take_everything_take_turns():
    scenario = replace(SHORT, width=GPUS, job_us=MINUTE, poll_us=15 * SECOND)
    held = through_core.play(scenario)
    assert figures_of(scenario, "core", held).gap <= CLOSE
    begin, end = scenario.last
    for queue in (STAYING, AWAY):  # neither waits longer than three jobs of the other
        for at in range(begin, end - 8 * MINUTE, MINUTE):
            assert held[queue].gpu_hours(at, at + 8 * MINUTE) > 0


@pytest.mark.parametrize("k", [1.0, 20.0, 1000.0])
def test_a_queue_gets_what_it_deserves_whatever_its_history(k):
    scenario = replace(SHORT, k=k, deserved=8)
    held = through_core.play(scenario)
    assert usage_of(scenario, held[STAYING], scenario.returns) > 0.75
    assert held[STAYING].least(scenario.job_us, scenario.end - SECOND) >= 8


def test_areas_and_decay_of_a_staircase_are_exact():
    held = Held.of([(0, 4), (HOUR, 4), (2 * HOUR, -8)])
    assert held.gpu_hours(HOUR // 2, 3 * HOUR) == pytest.approx(2 + 8)
    assert held.least(0, 2 * HOUR) == 4
    steady = Held.of([(0, GPUS)])
    # Half of what is older than a half-life is left: 16 · H / ln 2 · (1 - 1/2).
    assert steady.decayed(HOUR, HOUR) == pytest.approx(16 / 0.6931471805599453 * 0.5)


@pytest.mark.integration
@pytest.mark.timeout(360)
async def test_a_running_system_converges_and_catches_up(tmp_path):
    half_life = 30 * MINUTE
    scenario = Scenario(
        half_life,
        2.0,
        leaves=half_life,
        returns=2 * half_life,
        settle_half_lives=4,
        poll_us=SECOND,
    )
    lived = await live.play(scenario, tmp_path, speed=240)
    figures = figures_of(scenario, "live", lived.held())
    assert not list(figures.broken())
    sequences = [row.sequence for row in lived.rows]
    assert sequences == sorted(set(sequences))
