"""Estimates of run times: what they plan by, what they never use, and how they are remembered."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.facts import jobs, runs
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import JobSpec, TaskPhase
from evenflow.common.domain.jobs.recent_runs import USERS_KEPT
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_node
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.estimates import BUILT_IN, Features, Learned, Limit, Mean2
from evenflow.policy_engine.core.estimates.planning import Planning
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import Plugins
from tests.fleets.fleet import Fleet

S = 1_000_000
MINUTE = 60 * S
ANN = Features("ann", "train", 4, 100 * S)
some_jobs = st.builds(
    Features,
    st.sampled_from(("ann", "bob")),
    st.sampled_from(("train", "test")),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(1, 500).map(lambda seconds: seconds * S)),
)
some_runs = st.lists(st.tuples(some_jobs, st.integers(0, 500 * S)), max_size=40)


def test_the_limit_is_planned_by_itself():
    assert Limit().plan(ANN) == 100 * S
    assert Limit().plan(ANN._replace(limit_us=None)) is None


def test_mean2_plans_the_mean_of_the_users_last_two_runs_within_the_limit():
    estimator = Mean2()
    assert estimator.plan(ANN) == 100 * S
    for seconds in (900, 10, 20):
        estimator.learn(ANN, seconds * S, T0)
    assert estimator.plan(ANN) == 15 * S
    assert estimator.plan(ANN._replace(limit_us=5 * S)) == 5 * S
    assert estimator.plan(ANN._replace(user="bob")) == 100 * S


def test_at_the_first_miss_the_limit_stands():
    for estimator in (Mean2(), Learned()):
        assert estimator.missed(ANN, 15 * S) == 100 * S
        assert estimator.missed(ANN, 100 * S) is None


def test_learned_plans_longer_than_most_similar_runs_and_expects_their_mean():
    estimator = Learned()
    for _ in range(8):
        estimator.learn(ANN, 20 * S, T0)
    assert (estimator.expect(ANN) or 0) < 50 * S
    assert 20 * S <= (estimator.plan(ANN) or 0) <= 100 * S
    other = ANN._replace(user="bob", limit_us=400 * S)
    assert (estimator.expect(other) or 0) > (estimator.expect(ANN) or 0)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
@given(some_runs, some_jobs)
@hypothesis_settings(max_examples=60, deadline=None)
def test_a_plan_is_possible_and_a_memory_that_was_dumped_plans_the_same(name, told, job):
    estimator, again = BUILT_IN[name](), BUILT_IN[name]()
    for features, run_us in told:
        estimator.learn(features, run_us, T0)
    again.load(estimator.dump())
    for answer, other in ((estimator.plan, again.plan), (estimator.expect, again.expect)):
        planned = answer(job)
        assert planned == other(job)
        assert planned is None or planned >= 1
        assert planned is None or job.limit_us is None or planned <= job.limit_us


@pytest.mark.parametrize("kind", [Mean2, Learned])
def test_memory_is_bounded_however_many_users_there_are(kind):
    estimator = kind()
    for number in range(60_000):  # of whom `learned` would remember 300,000 kinds of runs
        estimator.learn(ANN._replace(user=f"u{number}"), S, T0)
    rows = [row for rows in estimator.dump().values() for row in rows]
    assert len(rows) <= 200_001
    assert any("u59999" in row for row in rows)
    assert not any("u0" in row for row in rows)


def test_a_kind_of_run_keeps_its_last_few_however_many_there_were():
    estimator = Learned()
    for seconds in range(1, 10_000):
        estimator.learn(ANN, seconds * S, T0)
    assert all(len(row) < 150 for rows in estimator.dump().values() for row in rows)
    assert estimator.plan(ANN) == 100 * S, "the last runs were as long as the limit allows"


class Live(Fleet):
    """A shard whose jobs run and end, and what the engine plans of them."""

    def __init__(self, estimates: str) -> None:
        super().__init__("default/default", nodes=[a_node("n1")], estimates=estimates)

    def run(self, seconds: int, outcome: Outcome = Outcome.SUCCEEDED) -> None:
        spec = self.spec()
        self.tell(jobs.Submitted((spec,)))
        self.decide()
        self.report(spec.id, TaskPhase.RUNNING)
        self.now += seconds * S
        self.report(spec.id, TaskPhase.ENDED, outcome)

    def spec(self, **fields: Any) -> JobSpec:
        given = {"user": "ann", "name": "train", "time_limit_us": 10 * MINUTE} | fields
        return self.next_spec(**given)

    def planned(self, **fields) -> int:
        return Planning(self.shard.state).run_us(self.spec(**fields))


def test_the_live_engine_plans_by_what_the_log_says_of_earlier_runs():
    live = Live("mean2")
    assert live.planned() == 10 * MINUTE
    for seconds in (100, 200):
        live.run(seconds)
    assert live.planned() == 150 * S
    assert live.planned(estimated_duration_us=42 * S) == 42 * S, "what a job says itself stands"


def test_runs_that_were_cancelled_tell_nothing_of_run_times():
    live = Live("mean2")
    for outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.LOST):
        live.run(50, outcome)
    assert live.planned() == 10 * MINUTE


class Wild:
    """Somebody else's estimator: what it answers is no time."""

    name = "wild"

    def plan(self, _job):
        return float("nan")

    def expect(self, *_told):
        raise RuntimeError("no idea")

    missed = learn = dump = load = expect


def test_an_estimator_that_answers_nonsense_is_told_of_and_the_limit_stands():
    live = Live("wild")
    planning = Planning(live.shard.state, {"wild": Wild})
    assert planning.run_us(live.spec()) == 10 * MINUTE
    assert "nan" in planning.failed["wild"]
    state = EngineState(live.shard.state, Plugins(estimators={"wild": Wild}))
    live.shard.tell(jobs.Submitted((live.spec(),)), at=live.now)
    state.rebuild()
    assert len(run_cycle(state, live.shard.state.settings, live.now).placements) == 1


def test_a_user_whose_runs_are_forgotten_is_planned_by_limits_by_all_who_follow_the_log():
    live = Live("mean2")
    for seconds in (100, 200):
        live.run(seconds)
    following = EngineState(live.shard.state)
    assert following.planning.run_us(live.spec()) == 150 * S
    for number in range(USERS_KEPT):
        live.shard.state.recent_runs[f"other {number}"] = []
    spec = live.spec(user="eve")
    for fact in (
        jobs.Submitted((spec,)),
        run_cycle(_indexed(live, spec), live.shard.state.settings, live.now),
        runs.Reported((runs.RunReport(spec.id, 1, TaskPhase.RUNNING, live.now),)),
        runs.Reported(
            (runs.RunReport(spec.id, 1, TaskPhase.ENDED, live.now, None, Outcome.SUCCEEDED),)
        ),
    ):
        outcome = live.shard.tell(fact, at=live.now)
        assert isinstance(outcome, Folded)
        following.note(outcome)
    assert "ann" not in live.shard.state.recent_runs
    anew = EngineState(live.shard.state)
    planned = {state.planning.run_us(live.spec()) for state in (following, anew)}
    assert planned == {10 * MINUTE}


def _indexed(live, spec):
    """Return a core that knows of a submission before it is folded by the others."""
    shard = copy.deepcopy(live.shard)
    shard.tell(jobs.Submitted((spec,)), at=live.now)
    return EngineState(shard.state)
