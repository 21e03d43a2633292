"""Whose turn is next: inside a queue by its policy, among queues by weight and priority."""

from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import settings
from evenflow.common.testing.builders import a_queue
from tests.fleets.engine import Engine, a_shard


def test_fifo_starts_jobs_in_the_order_of_acceptance():
    shard = a_shard(cpu=2000)
    specs = [shard.submit(priority=p) for p in (0, 90, 50)]
    assert Engine(shard).placed() == [specs[0].id, specs[1].id]


def test_priority_starts_higher_jobs_first_and_equal_ones_in_order():
    shard = a_shard(a_queue("default/default", policy="priority"), cpu=3000)
    low, high, middle, high2 = (shard.submit(priority=p) for p in (0, 90, 50, 90))
    assert Engine(shard).placed() == [high.id, high2.id, middle.id]
    assert low.id in shard.state.jobs


def test_the_shards_policy_holds_where_a_queue_names_none():
    shard = a_shard(cpu=1000)
    shard.tell(settings.Set(SchedulerSettings(policy="priority")))
    shard.submit(priority=0)
    high = shard.submit(priority=1)
    assert Engine(shard).placed() == [high.id]


def test_a_blocked_head_holds_back_its_own_queue_only():
    shard = a_shard("a/q", "b/q", cpu=4000)
    head = shard.submit(queue="a/q", resources={"cpu": 3000})
    shard.submit(queue="b/q", resources={"cpu": 3000})
    behind = shard.submit(queue="b/q", resources={"cpu": 1000})
    other = shard.submit(queue="a/q", resources={"cpu": 1000})
    decision = Engine(shard).turn()
    assert [p.job_id for p in decision.placements] == [head.id, other.id]
    assert shard.job(behind).reason == PendingReason(ReasonCode.ORDER)


def test_without_strict_order_later_jobs_pass_a_blocked_head():
    shard = a_shard(cpu=4000)
    shard.tell(settings.Set(SchedulerSettings(strict_order=False)))
    first = shard.submit(resources={"cpu": 3000})
    shard.submit(resources={"cpu": 3000})
    small = shard.submit(resources={"cpu": 1000})
    assert Engine(shard).placed() == [first.id, small.id]


def test_weights_share_what_is_contended():
    shard = a_shard(a_queue("a/q", weight=3), a_queue("b/q", weight=1), cpu=8000)
    for _ in range(8):
        shard.submit(queue="a/q")
        shard.submit(queue="b/q")
    shard.tell(settings.Set(SchedulerSettings()))
    Engine(shard).turn()
    # weights of the projects above are equal: the leaves' weights do not meet
    assert shard.state.ledger.held("a").jobs == shard.state.ledger.held("b").jobs == 4


def test_siblings_share_by_weight():
    shard = a_shard(a_queue("p/a", weight=3), a_queue("p/b", weight=1), cpu=8000)
    for _ in range(8):
        shard.submit(queue="p/a")
        shard.submit(queue="p/b")
    Engine(shard).turn()
    assert (shard.state.ledger.held("p/a").jobs, shard.state.ledger.held("p/b").jobs) == (6, 2)


def test_a_queue_of_higher_priority_goes_first_whatever_its_share():
    shard = a_shard("p/a", a_queue("p/b", priority=5), cpu=2000)
    shard.submit(queue="p/a")
    first, second = shard.submit(queue="p/b"), shard.submit(queue="p/b")
    assert Engine(shard).placed() == [first.id, second.id]


def test_weight_zero_goes_last():
    shard = a_shard(a_queue("p/a", weight=0), "p/b", cpu=3000)
    shard.submit(queue="p/a")
    b1, b2 = shard.submit(queue="p/b"), shard.submit(queue="p/b")
    assert Engine(shard).placed()[:2] == [b1.id, b2.id]
