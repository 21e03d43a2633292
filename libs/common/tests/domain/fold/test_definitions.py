"""Queues and quotas: which definitions stand, and what may be deleted."""

import pytest

from evenflow.common.domain.facts import queues, quotas
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import a_queue
from evenflow.common.testing.deciding import voids


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        pytest.param(a_queue("a/b"), "its parent a does not exist", id="no parent"),
        pytest.param(
            a_queue("default/default", id="other"), "the name is taken by", id="duplicate name"
        ),
        pytest.param(
            a_queue("new", id="id-default"), "the id belongs to another queue", id="taken id"
        ),
        pytest.param(a_queue("Not OK"), "path: 'Not OK' must start with", id="bad name"),
        pytest.param(a_queue("a", weight=-1.0), "weight: -1.0", id="negative weight"),
        pytest.param(
            a_queue("a", max_concurrent_jobs=0), "max_concurrent_jobs: 0", id="no concurrency"
        ),
    ],
)
def test_a_definition_that_breaks_a_rule_is_void(shard, queue, reason):
    assert voids(shard.tell(queues.Defined((queue,))))[0].startswith(reason)


def test_a_leaf_with_jobs_stays_a_leaf_and_cannot_be_deleted(shard):
    shard.submit()
    below = shard.tell(queues.Defined((a_queue("default/default/x"),)))
    assert "must stay a leaf" in voids(below)[0]
    deleted = shard.tell(queues.Deleted(("default/default", "default", "gone")))
    assert voids(deleted) == [
        "it holds jobs that have not ended",
        "there are queues below it",
        "no such queue",
    ]


def test_an_empty_tree_is_deleted_from_below(shard):
    outcome = shard.tell(queues.Deleted(("default/default", "default")))
    assert not voids(outcome)
    assert not shard.state.queues
    assert not shard.state.queue_paths


def test_a_quota_needs_its_queue_and_sane_numbers(shard):
    bad = quotas.Set((Quota("gone"), Quota("default", {"cpu": -1}), Quota("default", max_jobs=3)))
    assert len(voids(shard.tell(bad))) == 2
    assert shard.state.quotas["default"].max_jobs == 3
