"""Across queues toward fair share: who gives, who takes, and no more than needed."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.decisions.decisions import EvictionReason
from evenflow.common.testing.builders import a_queue
from tests.fleets.obedient import Obedient


def test_a_starved_queue_gets_its_share_back_and_no_more():
    world = Obedient("a/x", "b/y", gpus=8)
    world.submit("a/x", 20)
    world.settle()
    assert len(world.running("a/x")) == 8
    world.submit("b/y", 20)
    stopped = world.settle()
    assert len(stopped) == 4
    assert {e.reason for e in stopped} == {EvictionReason.RECLAIMED}
    assert [len(world.running(q)) for q in ("a/x", "b/y")] == [4, 4]


def test_the_newest_jobs_of_the_queue_furthest_above_its_share_stop():
    world = Obedient("a/x", "b/y", "c/z", gpus=9)
    old = world.submit("a/x", 4)
    world.turn()
    world.submit("b/y", 2)
    world.turn()
    new = world.submit("a/x", 3)
    world.turn()
    world.submit("c/z", 9)
    world.submit("b/y", 9)
    world.submit("a/x", 9)
    stopped = {e.job_id for e in world.settle()}
    assert stopped == {new[0].id, new[1].id, new[2].id, old[3].id}
    assert [len(world.running(q)) for q in "abc"] == [3, 3, 3]


@pytest.mark.parametrize(
    ("fields", "job"),
    [
        pytest.param({"reclaim": False}, {}, id="switched off"),
        pytest.param({"minimum_run_us": 10**12}, {}, id="before the minimum run time"),
        pytest.param({"lost_gpu_per_cycle": 0}, {}, id="no loss allowed in a cycle"),
        pytest.param({"lost_gpu_per_hour": 0}, {}, id="no loss allowed in an hour"),
        pytest.param({}, {"preemptible": False}, id="not preemptible"),
        pytest.param({}, {"gpus": 5}, id="a job that would take more than the share"),
    ],
)
def test_nobody_stops(fields, job):
    world = Obedient("a/x", "b/y", gpus=8, **fields)
    size = {"gpus": 8} if "gpus" in job else {"count": 8}
    world.submit("a/x", **size, **{k: v for k, v in job.items() if k == "preemptible"})
    world.settle()
    world.submit("a/x", 8)
    world.submit("b/y", 8, **{k: v for k, v in job.items() if k == "gpus"})
    assert not world.settle()


def test_what_is_deserved_is_got_back_whole_and_never_taken():
    deserved = a_queue("a/x", deserved={"gpu": 6000})
    world = Obedient(a_queue("a", deserved={"gpu": 6000}), deserved, "b/y", gpus=8)
    world.submit("b/y", 8)
    world.settle()
    world.submit("a/x", 8)
    world.submit("b/y", 8)
    world.settle()
    assert [len(world.running(q)) for q in ("a", "b")] == [7, 1]
    assert not world.settle()


def test_fair_share_is_compared_where_the_ways_part():
    world = Obedient("a/x", "a/y", "b/z", gpus=8)
    world.submit("a/x", 8)
    world.settle()
    world.submit("a/y", 8)
    world.submit("a/x", 8)
    world.settle()
    assert [len(world.running(q)) for q in ("a/x", "a/y")] == [4, 4]
    world.submit("b/z", 8)
    world.settle()
    assert [len(world.running(q)) for q in ("a/x", "a/y", "b/z")] == [2, 2, 4]


def test_a_limit_that_siblings_use_up_is_shared_between_them():
    world = Obedient(a_queue("a", limit={"gpu": 4000}), "a/x", "a/y", gpus=16)
    world.submit("a/x", 8)
    world.settle()
    world.submit("a/y", 8)
    world.settle()
    assert [len(world.running(q)) for q in ("a/x", "a/y")] == [2, 2]


def test_a_gang_takes_only_what_it_needs_of_one_machine():
    world = Obedient("a/x", "b/y", gpus=(4, 4))
    (gang,) = world.submit("a/x", gpus=4)
    world.turn()
    small = world.submit("a/x", 4)
    world.settle()
    (wide,) = world.submit("b/y", gpus=4)
    stopped = [e.job_id for e in world.settle()]
    assert stopped == [gang.id] or sorted(stopped) == sorted(s.id for s in small)
    assert world.is_live(wide)
    assert len(world.running("a/x")) in {1, 4}


def test_a_victim_by_priority_is_not_brought_back_by_its_queues_share():
    world = Obedient("p/x", "p/y", gpus=4, policy="priority")
    world.submit("p/x", 2, priority=1)
    world.submit("p/y", 2, priority=1)
    world.settle()
    world.submit("p/x", 2, priority=90)
    world.settle()
    assert all(not world.turn() for _ in range(100))


# --- exactly as many as needed


def sketch(world, job, without):
    """Whether the job fits a machine once these are gone, found out by counting."""
    free = {name: node.capacity["gpu"] for name, node in world.shard.state.nodes.items()}
    for spec in (job.spec for job in world.shard.state.jobs.values() if job.is_live):
        if spec.id not in without:
            free[world.shard.job(spec).placement[0].node] -= spec.resources["gpu"]
    return any(amount >= job.resources["gpu"] for amount in free.values())


@given(seed=st.integers(0, 10**6))
@hypothesis_settings(max_examples=60, deadline=None)
def test_no_part_of_the_victims_would_have_made_room(seed):
    pick = random.Random(seed)
    policy = pick.choice(("priority", "fifo"))
    world = Obedient("a/x", "b/y", gpus=(4, 4, 2), policy=policy)
    for _ in range(9):
        world.submit(pick.choice(("a/x", "a/x", "b/y")), gpus=pick.choice((1, 1, 2)),
                     priority=pick.choice((0, 5, 20)), preemptible=pick.random() < 0.9)  # fmt: skip
        world.turn()
    world.submit(pick.choice(("a/x", "b/y")), gpus=pick.choice((1, 2, 3, 4)), priority=90)
    decision = world.decide()
    victims = [e.job_id for e in decision.evictions]
    if victims:
        taker = world.shard.state.jobs[decision.evictions[0].beneficiary].spec
        now = {e: world.shard.state.jobs[e] for e in victims}
        assert sketch(world, taker, victims)
        for size in range(len(victims)):
            for part in combinations(now, size):
                assert not sketch(world, taker, part)
