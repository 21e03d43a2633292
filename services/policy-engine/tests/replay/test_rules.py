"""Other rules take the place of recorded ones, name by name, and leave the rest."""

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import queues, quotas, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import T0, a_queue
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.replay.rules import AS_RECORDED, Rules

RULES = Rules(
    settings={"policy": "fairshare"},
    queues={"a": {"weight": 5.0}},
    quotas={"a": {"resources": {"gpu": 2000, "cpu": None}, "max_jobs": 3}},
)


def told(fact: object) -> object:
    return RULES.told(Entry(1, "e", T0, "test", fact)).fact


def test_a_fact_is_told_as_it_would_have_been():
    recorded = SchedulerSettings(policy="fifo", k=2.0)
    assert told(settings.Set(recorded)) == settings.Set(
        SchedulerSettings(policy="fairshare", k=2.0)
    )
    both = (a_queue("a", priority=3), a_queue("b"))
    assert told(queues.Defined(both)) == queues.Defined(
        (a_queue("a", priority=3, weight=5.0), both[1])
    )
    other = queues.Deleted(("a",))
    assert told(other) is other


def test_limits_of_a_quota_differ_one_by_one_and_can_be_taken_away():
    recorded = Quota("a", {"cpu": 1000, "memory": 5}, max_jobs=9)
    assert told(quotas.Set((recorded,))) == quotas.Set((Quota("a", {"memory": 5, "gpu": 2000}, 3),))


def test_a_loaded_state_begins_by_the_rules():
    state = Shard().with_queues("a/x", "b").state
    RULES.begin(state)
    assert state.settings.policy == "fairshare"
    assert state.queues["a"].weight == 5.0
    assert state.queues["b"].weight == 1.0
    assert state.quotas == {"a": Quota("a", {"gpu": 2000}, 3)}


def test_a_queue_that_is_defined_later_gets_its_quota_then():
    shard = Shard()
    RULES.begin(shard.state)
    assert not shard.state.quotas
    folded = shard.tell(queues.Defined((a_queue("a"),)))
    assert isinstance(folded, Folded)
    RULES.follow(folded)
    assert shard.state.quotas["a"].max_jobs == 3


def test_no_rules_change_nothing():
    state = Shard().with_queues("a").state
    before = dict(state.queues), state.settings, dict(state.quotas)
    AS_RECORDED.begin(state)
    assert (state.queues, state.settings, state.quotas) == before
    assert AS_RECORDED.is_empty()
    assert not RULES.is_empty()
