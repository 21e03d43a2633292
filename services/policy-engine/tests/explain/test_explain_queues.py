"""The queues above a job, level by level: shares before and after, and which sibling goes first."""

from math import inf

import pytest

from evenflow.common.testing.builders import T0, a_queue
from evenflow.policy_engine.core.explain.explanation import Basis
from tests.fleets.asked import Asked


def test_levels_tell_shares_before_and_after_the_job():
    engine = Asked(a_queue("a", weight=1), "a/q", a_queue("b", weight=3), "b/q", cpu=8000)
    for _ in range(8):
        engine.submit("b/q", resources={"cpu": 1000})
    engine.turn()
    job = engine.submit(resources={"cpu": 4000})
    engine.turn()
    why = engine.why(job)
    top = why.levels[0]
    assert [level.path for level in why.levels] == ["a", "a/q"]
    assert top.request == {"cpu": 4000}
    assert top.fair_share["cpu"] == 2000
    assert (top.held, top.saturation_before, top.saturation_after) == ({}, 0.0, 2.0)


def test_a_running_job_is_counted_in_after_and_not_in_before():
    engine = Asked(cpu=4000)
    job = engine.submit(resources={"cpu": 3000})
    engine.turn()
    why = engine.why(job)
    assert (why.levels[0].saturation_before, why.levels[0].saturation_after) == (0.0, 1.0)
    assert (why.place, why.first, why.short, why.prediction) == (None, (), None, None)


@pytest.mark.parametrize(
    ("mine", "other", "used", "basis"),
    [
        pytest.param({}, {"priority": 1}, {}, Basis.PRIORITY, id="priority"),
        pytest.param({}, {}, {"a": 0.5, "a/q": 0.5}, Basis.USAGE, id="usage"),
        pytest.param({}, {"created_at": T0 - 1}, {}, Basis.OLDER, id="age"),
    ],
)
def test_the_sibling_that_goes_first_is_named_with_its_reason(mine, other, used, basis):
    engine = Asked(a_queue("a", **mine), "a/q", a_queue("b", **other), "b/q", a_queue("c/q"))
    engine.used(used, {})
    engine.submit("c/q")
    engine.turn()
    engine.submit("b/q")
    job = engine.submit("a/q")
    engine.turn()
    ahead = engine.why(job).levels[0].ahead
    assert ahead is not None
    assert (ahead.path, ahead.because.basis) == ("b", basis)


def test_a_sibling_that_holds_less_of_its_share_goes_first():
    engine = Asked("a/q", "b/q", cpu=2000)
    engine.submit("a/q", resources={"cpu": 1500})
    engine.turn()
    job = engine.submit("a/q")
    engine.submit("b/q")
    engine.turn()
    ahead = engine.why(job).levels[0].ahead
    assert ahead is not None
    assert (ahead.path, ahead.because.basis) == ("b", Basis.SATURATION)
    assert ahead.because.theirs == 0.0


def test_a_sibling_that_its_own_gate_holds_back_is_not_ahead():
    engine = Asked("a/q", a_queue("b/q", enabled=False), cpu=1000)
    engine.submit("a/q")
    engine.turn()
    job = engine.submit("a/q")
    engine.submit("b/q")
    engine.turn()
    assert [level.ahead for level in engine.why(job).levels] == [None, None]


def test_saturation_is_infinite_where_there_is_no_share():
    engine = Asked(a_queue("a/q", weight=0.0), a_queue("a/r"), cpu=1000)
    engine.submit("a/r", resources={"cpu": 1000})
    engine.turn()
    job = engine.submit("a/q")
    engine.turn()
    assert engine.why(job).levels[1].saturation_after == inf
