"""Estimators that cannot be believed, and memories that do not grow."""

import pytest

from evenflow.common.domain.clock import HOUR, SECOND
from evenflow.policy_engine.core.estimates import Careful, Features, Learned
from evenflow.policy_engine.core.estimates.memory import Memory, Run

ANN = Features("ann", "train", 4, HOUR)


class Wild(Learned):
    name = "wild"

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def plan(self, job):  # noqa: ARG002 - it answers what it was told to
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    expect = plan

    def missed(self, job, ran_us):  # noqa: ARG002 - as above
        return self.plan(job)

    def learn(self, job, run_us, ended_at):  # noqa: ARG002 - as above
        self.plan(job)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ZeroDivisionError("by zero"), id="raises"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(2.5, id="a fraction"),
        pytest.param(0, id="no time at all"),
        pytest.param(-SECOND, id="a negative time"),
        pytest.param("soon", id="a word"),
    ],
)
def test_nonsense_of_an_estimator_is_counted_and_the_limit_planned(answer):
    careful = Careful(Wild(answer))
    assert careful.plan(ANN) == careful.expect(ANN) == careful.missed(ANN, SECOND) == HOUR
    careful.learn(ANN, SECOND, 0)
    assert careful.failures == (4 if isinstance(answer, Exception) else 3)
    assert "wild" in careful.complaint


def test_an_estimate_above_the_limit_is_cut_there():
    assert Careful(Wild(5 * HOUR)).plan(ANN) == HOUR


def test_a_memory_keeps_the_newest_keys_and_runs_only():
    memory = Memory(2, most_keys=2)
    for number in range(5):
        memory.add(("a",), Run(number, 0))
    memory.add(("b",), Run(1, 0))
    memory.add(("a",), Run(9, 0))
    memory.add(("c",), Run(2, 0))
    assert len(memory) == 2
    assert memory.of(("a",)) == (Run(9, 0), Run(4, 0))
    assert memory.of(("b",)) == ()
