"""The fold itself: order, the table of moves, the clock, whose a node is."""

import pytest

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import clock, cluster
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.job import JOB_TRANSITIONS, TERMINAL, JobState
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.deciding import voids


def test_entries_out_of_order_or_of_unknown_kind_stop_the_fold(shard):
    with pytest.raises(BrokenInvariant, match="folded after"):
        apply(shard.state, shard.entries[0])
    with pytest.raises(BrokenInvariant, match="unknown kind"):
        apply(ShardState(), Entry(1, "e", T0, "x", object()))


def test_every_state_is_reached_and_ended_ones_are_final():
    reached = {target for moves in JOB_TRANSITIONS.values() for target in moves}
    assert reached | {JobState.SUBMITTED} == set(JobState)
    assert {
        JobState.SUCCEEDED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.TIMEOUT,
        JobState.REJECTED,
    } == TERMINAL


def test_a_move_that_the_table_lacks_is_a_bug_and_tells_its_story(shard):
    spec = shard.submit()
    with pytest.raises(BrokenInvariant, match="cannot move from pending to running"):
        shard.job(spec).move(JobState.RUNNING)


def test_the_shards_clock_never_goes_back(shard):
    shard.tell(clock.Set(wall_at=T0, shard_at=T0, rate=1000))
    assert shard.state.clock.shard_time(T0 + 5) == T0 + 5000
    assert isinstance(shard.tell(clock.Set(T0 + 10, T0 + 10, 1)), Void)
    assert isinstance(shard.tell(clock.Set(T0 + 10, T0 + 10_000, 0)), Void)
    assert isinstance(shard.tell(clock.Set(T0 + 10, T0 + 10_000, 1)), Folded)


def test_a_node_is_owned_by_the_cluster_that_told_of_it_first(shard):
    outcome = shard.tell(cluster.Observed("other", (a_node("n1", cluster="other"),), gone=("n2",)))
    assert voids(outcome) == ["the node belongs to cluster simulated"]
    assert "n2" in shard.state.nodes
