"""The orders inside a queue: what each promises, and who decides when a name is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.decisions.settings import POLICIES, SchedulerSettings
from evenflow.common.domain.facts import queues, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy
from evenflow.common.testing.builders import T0, Shard, a_node, a_queue, a_spec
from evenflow.common.testing.suites.policy import QUEUE, PolicySuite, picked_one_by_one
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.ordering.policies import BUILT_IN, PRIORITY
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import Plugins
from tests.fleets.engine import Engine

NEWEST = Policy("newest", lambda job: (-job.position,))
WITH_NEWEST = Plugins({**BUILT_IN, "newest": NEWEST})


@pytest.mark.parametrize("policy", BUILT_IN.values(), ids=BUILT_IN)
class TestBuiltIn(PolicySuite):
    def test_what_differs_in_id_and_position_only_is_of_equal_rank(self, policy: Policy) -> None:
        early, late = (Job(a_spec(n, submitted_at=0), p, p) for n, p in ((2, 1), (1, 2)))
        assert policy.rank(early) == policy.rank(late)


def test_those_that_come_with_evenflow_are_those_that_settings_know():
    assert tuple(sorted(BUILT_IN)) == tuple(sorted(POLICIES))


@given(st.lists(st.integers(0, 100), max_size=12), st.sampled_from(["fifo", "priority"]))
def test_selecting_again_and_again_is_sorting_by_key(priorities, name):
    policy = BUILT_IN[name]
    jobs = [Job(a_spec(100 - n, priority=p), n + 1, n) for n, p in enumerate(priorities)]
    keys = {"fifo": lambda j: j.position, "priority": lambda j: (-j.spec.priority, j.position)}
    by_hand = [job.spec.id for job in sorted(jobs, key=keys[name])]
    assert picked_one_by_one(policy, jobs) == by_hand
    assert [job.spec.id for job in sorted(jobs, key=policy.key)] == by_hand


def test_a_policy_may_say_who_gives_way_and_by_default_nobody_does():
    low, high = Job(a_spec(1, priority=1), 1, 1), Job(a_spec(2, priority=9), 2, 2)
    lowest = Policy("x", NEWEST.rank, lambda running, _: min(running, key=PRIORITY.key))
    assert lowest.should_preempt((high, low), high) is high
    assert PRIORITY.should_preempt((low,), high) is None
    assert lowest.select_next_job(QUEUE, (low, high)) is high


def a_shard(**queue: object) -> tuple[Shard, list[str]]:
    """A shard with room for one job, and its jobs: the second has priority, the third is newest."""
    shard = Shard().with_leader().with_queues(a_queue("p/q", **queue))
    shard.with_nodes(a_node(cpu=1000))
    return shard, [shard.submit(queue="p/q", priority=p).id for p in (0, 9, 1)]


def first_of(shard: Shard, plugins: Plugins) -> str:
    return Engine(shard, plugins).placed()[0]


def test_a_policy_that_is_handed_in_orders_the_queue_that_names_it():
    shard, ids = a_shard(policy="newest")
    assert first_of(shard, WITH_NEWEST) == ids[2]


def test_a_policy_that_is_handed_in_may_be_the_shards():
    shard, ids = a_shard()
    shard.tell(settings.Set(SchedulerSettings(policy="newest")))
    assert first_of(shard, WITH_NEWEST) == ids[2]


def test_a_queue_that_names_an_unknown_policy_follows_the_shards_and_is_told_of():
    shard, ids = a_shard(policy="newest")
    shard.tell(settings.Set(SchedulerSettings(policy="priority")))
    assert first_of(shard, Plugins()) == ids[1]
    assert EngineState(shard.state).unknown_policies() == {"p/q": "newest"}
    assert EngineState(shard.state, WITH_NEWEST).unknown_policies() == {}


def test_the_last_resort_is_fifo():
    shard, ids = a_shard(policy="nobody-knows")
    shard.tell(settings.Set(SchedulerSettings(policy="newest")))
    assert first_of(shard, Plugins()) == ids[0]


def test_a_queue_is_sorted_anew_when_it_gets_another_policy():
    shard, ids = a_shard(policy="priority")
    state = EngineState(shard.state, WITH_NEWEST)
    folded = shard.tell(queues.Defined((a_queue("p/q", policy="newest"),)))
    assert isinstance(folded, Folded)
    state.note(folded)
    decision = run_cycle(state, shard.state.settings, T0)
    assert decision.placements[0].job_id == ids[2]
