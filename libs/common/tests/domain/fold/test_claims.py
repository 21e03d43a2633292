"""Jobs that stop for others, the room that is kept meanwhile, and the time that is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    Placement,
    TaskPlacement,
)
from evenflow.common.domain.facts import cycle, jobs
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.lost_time import MINUTE, MINUTES_KEPT, lost_within_hour, note_lost
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.shard import Shard

SECOND = 1_000_000
TASKS = (TaskPlacement("n1", (0, 1)),)


class World(Shard):
    """Two jobs of a GPU each run on a node; a third wants both."""

    def __init__(self):
        super().__init__()
        self.with_leader().with_queues("p/q").with_nodes(a_node("n1", gpu=2000))
        self.low = [self.submit(queue="p/q", resources={"gpu": 1000}) for _ in range(2)]
        self.decide(
            placements=tuple(
                Placement(spec.id, 1, (TaskPlacement("n1", (i,)),))
                for i, spec in enumerate(self.low)
            )
        )
        for spec in self.low:
            self.start(spec)
        self.wide = self.submit(queue="p/q", resources={"gpu": 2000})

    def decide(self, now=T0, **fields):
        outcome = self.tell(
            cycle.Decided(self.state.epoch, self.state.sequence, now, "3", **fields), at=now
        )
        assert isinstance(outcome, Folded)
        return outcome

    def stop_both(self, now=T0 + 10 * SECOND):
        return self.decide(
            now,
            evictions=tuple(
                Eviction(spec.id, 1, EvictionReason.PREEMPTED, "for it", self.wide.id)
                for spec in self.low
            ),
            claims=(Placement(self.wide.id, 1, TASKS),),
        )


def test_room_is_kept_until_all_victims_have_ended():
    world = World()
    assert list(world.stop_both().claims) == [world.wide.id]
    claim = world.state.claims[world.wide.id]
    assert claim.tasks == TASKS
    assert list(claim.stopping) == [spec.id for spec in world.low]
    for spec in world.low:
        world.end(spec, Outcome.STOPPED)
    assert not claim.stopping
    assert world.state.claims[world.wide.id] is claim
    world.decide(placements=(Placement(world.wide.id, 1, TASKS),))
    assert not world.state.claims


def test_a_victim_waits_under_its_old_position_without_a_penalty():
    world = World()
    world.stop_both()
    world.end(world.low[0], Outcome.STOPPED)
    job = world.job(world.low[0])
    assert (job.state, job.attempt, job.position) == (JobState.PENDING, 2, 1)
    assert (job.failures, job.setbacks, job.not_before) == (0, 0, 0)
    assert job.message == "evicted: preempted (for it)"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(
            lambda w: w.tell(jobs.CancelRequested((jobs.CancelRequest(w.wide.id, "ann"),))),
            id="its job is cancelled",
        ),
        pytest.param(
            lambda w: w.decide(claims=(Placement(w.wide.id, 1, ()),)), id="the engine gives it up"
        ),
    ],
)
def test_nothing_is_kept_once(end):
    world = World()
    world.stop_both()
    folded = end(world)
    assert list(folded.claims) == [world.wide.id]
    assert not world.state.claims


def test_who_goes_on_elsewhere_may_claim_room_for_its_next_attempt():
    world = World()
    mover, other = world.low
    world.decide(
        evictions=(Eviction(mover.id, 1, EvictionReason.CONSOLIDATED, "", world.wide.id),),
        claims=(
            Placement(world.wide.id, 1, TASKS),
            Placement(mover.id, 2, (TaskPlacement("n1", (0,)),)),
        ),
    )
    assert not world.state.claims[mover.id].stopping
    assert list(world.state.claims[world.wide.id].stopping) == [mover.id]
    world.end(mover, Outcome.STOPPED)
    assert mover.id in world.state.claims
    assert not world.state.claims[world.wide.id].stopping
    assert other.id not in world.state.claims


@pytest.mark.parametrize(
    ("attempt", "of"), [(2, "wide"), (1, "low"), (2, "low")], ids=["later", "runs", "stays"]
)
def test_a_claim_of_an_attempt_that_does_not_wait_is_void(attempt, of):
    world = World()
    spec = world.wide if of == "wide" else world.low[0]
    folded = world.decide(claims=(Placement(spec.id, attempt, TASKS),))
    assert [void.key for void in folded.voids] == [spec.id]
    assert not world.state.claims


def test_a_victim_that_ended_before_its_eviction_is_not_waited_for():
    world = World()
    world.end(world.low[0], Outcome.SUCCEEDED)
    folded = world.stop_both()
    assert [void.key for void in folded.voids] == [world.low[0].id]
    assert list(world.state.claims[world.wide.id].stopping) == [world.low[1].id]


def test_lost_time_is_what_victims_have_used_and_is_forgotten_after_an_hour():
    world = World()
    world.stop_both(T0 + 10 * SECOND)
    now = T0 + 10 * SECOND
    assert lost_within_hour(world.state.lost_time, now) == 2 * 1000 * 10
    assert lost_within_hour(world.state.lost_time, now + 3_700 * SECOND) == 0


def test_a_lost_node_is_no_lost_time():
    world = World()
    world.decide(evictions=(Eviction(world.low[0].id, 1, EvictionReason.NODE_LOST),))
    assert not world.state.lost_time


@given(st.lists(st.integers(0, 10 * 3600), max_size=200))
def test_only_the_last_hour_is_remembered(seconds):
    world = World()
    job = world.job(world.low[0])
    lost: dict[int, int] = {}
    now = T0
    for step in seconds:
        now += step * SECOND
        note_lost(lost, job, now)
        assert len(lost) <= MINUTES_KEPT + 1
        assert min(lost) >= now // MINUTE - MINUTES_KEPT


def test_a_checkpoint_keeps_claims_and_lost_time():
    world = World()
    world.stop_both()
    again = checkpoint.load(checkpoint.dump(world.state, "log"), "log")
    assert again.claims == world.state.claims
    assert again.lost_time == world.state.lost_time
    assert again.jobs[world.low[0].id].ending == world.job(world.low[0]).ending
    world.report(world.low[0], TaskPhase.ENDED, outcome=Outcome.STOPPED)
    assert again.claims != world.state.claims
