"""Estimators that cannot be believed, and memories that do not grow."""

import pytest

from evenflow.common.domain.clock import HOUR, SECOND
from evenflow.policy_engine.core.estimates import Features, Learned, SafeEstimator, make_safe
from evenflow.policy_engine.core.estimates.run_samples import RunSample, RunSamples

ANN = Features("ann", "train", 4, HOUR)


class Wild(Learned):
    name = "wild"

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def plan(self, job):  # noqa: ARG002 - it answers what it was told to
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    expect = plan

    def missed(self, job, ran_us):  # noqa: ARG002 - as above
        return self.plan(job)

    def learn(self, job, run_us, ended_at):  # noqa: ARG002 - as above
        self.plan(job)


class Wordless(Exception):
    def __str__(self):
        raise ValueError("not even this")


class Shapeless:
    def __repr__(self):
        raise ValueError("nor this")


class Moody(int):
    """A number that compares as it likes."""

    def __le__(self, other):
        raise ValueError("not today")

    __lt__ = __gt__ = __ge__ = __le__


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ZeroDivisionError("by zero"), id="raises"),
        pytest.param(Wordless(), id="raises what cannot be told"),
        pytest.param(SystemExit(3), id="wants to leave"),
        pytest.param(Shapeless(), id="answers what cannot be told"),
        pytest.param(Moody(HOUR), id="a number of its own"),
        pytest.param(True, id="a truth"),
        pytest.param(10**40, id="more than any calendar has"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(2.5, id="a fraction"),
        pytest.param(0, id="no time at all"),
        pytest.param(-SECOND, id="a negative time"),
        pytest.param("soon", id="a word"),
    ],
)
def test_nonsense_of_an_estimator_is_counted_and_the_limit_planned(answer):
    asked = SafeEstimator(Wild(answer))
    assert asked.plan(ANN) == asked.expect(ANN) == asked.missed(ANN, SECOND) == HOUR
    asked.learn(ANN, SECOND, 0)
    assert asked.failures == (4 if isinstance(answer, BaseException) else 3)
    assert "wild" in asked.complaint


def test_nonsense_about_a_job_without_a_limit_makes_it_endless():
    assert SafeEstimator(Wild(10**40)).plan(ANN._replace(limit_us=None)) is None


class Unmade(Learned):
    name = "unmade"

    def __init__(self):
        raise SystemExit("not now")


def test_what_cannot_be_made_plans_limits_and_is_told_of():
    made = make_safe(Unmade)
    assert (made.plan(ANN), made.name, made.failures) == (HOUR, "unmade", 1)
    assert "not now" in made.complaint


def test_whoever_presses_ctrl_c_is_heard():
    with pytest.raises(KeyboardInterrupt):
        SafeEstimator(Wild(KeyboardInterrupt())).plan(ANN)


def test_an_estimate_above_the_limit_is_cut_there():
    assert SafeEstimator(Wild(5 * HOUR)).plan(ANN) == HOUR


def test_a_memory_keeps_the_newest_keys_and_runs_only():
    memory = RunSamples(2, most_keys=2)
    for number in range(5):
        memory.add(("a",), RunSample(number, 0))
    memory.add(("b",), RunSample(1, 0))
    memory.add(("a",), RunSample(9, 0))
    memory.add(("c",), RunSample(2, 0))
    assert len(memory) == 2
    assert memory.of(("a",)) == (RunSample(9, 0), RunSample(4, 0))
    assert memory.of(("b",)) == ()
