"""Placements: they stand while nothing overtook them, and are void afterwards."""

import pytest

from evenflow.common.domain.facts import cluster, cycle, jobs, leader
from evenflow.common.domain.fold.folded import Void
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.deciding import place, voids


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        pytest.param(
            lambda s, spec: s.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "a"),))),
            "no such job, or it has ended",
            id="cancelled meanwhile",
        ),
        pytest.param(
            lambda s, _: s.tell(cluster.Observed("simulated", gone=("n1",))),
            "node n1 takes no work any more",
            id="node gone",
        ),
        pytest.param(
            lambda s, _: s.tell(cluster.Observed("simulated", (a_node("n1", cpu=500),))),
            "node n1 has too little cpu left",
            id="node shrunk",
        ),
        pytest.param(place, "the job is placed", id="placed already"),
    ],
)
def test_a_placement_overtaken_by_the_world_is_void(shard, before, reason):
    spec = shard.submit()
    before(shard, spec)
    held = shard.state.ledger.held("default").jobs
    assert voids(place(shard, spec)) == [reason]
    assert shard.state.ledger.held("default").jobs == held


def test_a_placement_of_another_attempt_or_size_is_void(shard):
    spec = shard.submit(tasks=2)
    assert voids(place(shard, spec, attempt=7)) == ["attempt 7 is not the job's 1"]
    assert voids(place(shard, spec, "n1")) == ["1 tasks placed of 2"]


def test_a_decision_of_a_stale_leader_is_void_as_a_whole(shard):
    spec = shard.submit()
    stale = cycle.Decided(shard.state.epoch, 1, T0, "1", placements=())
    shard.tell(leader.Decided("engine-2", "1"))
    assert isinstance(shard.tell(stale), Void)
    assert shard.state.last_decision == shard.state.sequence
    assert shard.job(spec).state is JobState.PENDING
