"""What keeps a job from starting although there is room: quotas, limits, shut queues."""

import pytest

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.testing.builders import a_node, a_queue
from tests.fleets.engine import Engine, a_shard


@pytest.mark.parametrize(
    ("queue", "quota", "code"),
    [
        pytest.param(a_queue("p/q", max_concurrent_jobs=1), None, ReasonCode.QUEUE_FULL, id="full"),
        pytest.param(a_queue("p/q", limit={"cpu": 1500}), None, ReasonCode.QUEUE_LIMIT, id="limit"),
        pytest.param("p/q", Quota("p", max_jobs=1), ReasonCode.QUOTA_JOBS, id="jobs of a project"),
        pytest.param("p/q", Quota("p", {"cpu": 1999}), ReasonCode.QUOTA_CPU, id="cpu"),
        pytest.param("p/q", Quota("p/q", {"memory": 1999}), ReasonCode.QUOTA_MEMORY, id="memory"),
        pytest.param("p/q", Quota("p", {"x": 1}), ReasonCode.QUOTA_OTHER, id="any resource"),
        pytest.param(
            "p/q", Quota("p", max_by_type={"training": 1}), ReasonCode.QUOTA_TYPE, id="per type"
        ),
    ],
)
def test_the_second_job_waits_with_the_reason_of_its_gate(queue, quota, code):
    shard = a_shard(queue)
    if quota:
        shard.tell(quotas.Set((quota,)))
    wants = {"cpu": 1000, "memory": 1000, "x": 1}
    shard.with_nodes(a_node("nx", capacity={"cpu": 9000, "memory": 9000, "x": 9}))
    first = shard.submit(queue="p/q", resources=wants)
    second = shard.submit(queue="p/q", resources=wants)
    engine = Engine(shard)
    assert engine.placed() == [first.id]
    assert shard.job(second).reason.code is code
    shard.start(first)
    shard.end(first, Outcome.SUCCEEDED)
    assert engine.placed() == [second.id]


def test_equality_with_a_quota_passes():
    shard = a_shard("p/q")
    shard.tell(quotas.Set((Quota("p", {"cpu": 2000}),)))
    shard.submit(queue="p/q")
    shard.submit(queue="p/q")
    assert len(Engine(shard).placed()) == 2


def test_a_quota_that_is_not_enforced_lets_everything_pass_and_counts():
    shard = a_shard("p/q")
    shard.tell(quotas.Set((Quota("p", {"cpu": 1000}, max_jobs=0, enforce=False),)))
    shard.submit(queue="p/q", resources={"cpu": 2000})
    assert len(Engine(shard).placed()) == 1
    assert shard.state.ledger.held("p").resources == {"cpu": 2000}


def test_a_job_limited_by_its_type_is_passed_over():
    shard = a_shard("p/q")
    shard.tell(quotas.Set((Quota("p", max_by_type={"training": 0}),)))
    shard.submit(queue="p/q")
    other = shard.submit(queue="p/q", job_type="inference")
    assert Engine(shard).placed() == [other.id]


def test_above_a_limit_is_unfittable_until_the_limit_is_raised():
    shard = a_shard(a_queue("p/q", limit={"cpu": 500}))
    job = shard.submit(queue="p/q")
    engine = Engine(shard)
    assert engine.placed() == []
    assert shard.job(job).reason.code is ReasonCode.UNFITTABLE
    shard.with_queues(a_queue("p/q", limit={"cpu": 1000}))
    assert engine.placed() == [job.id]


def test_a_disabled_queue_starts_nothing_and_says_so():
    shard = a_shard(a_queue("p/q", enabled=False))
    job = shard.submit(queue="p/q")
    assert Engine(shard).placed() == []
    assert shard.job(job).reason.code is ReasonCode.QUEUE_DISABLED
