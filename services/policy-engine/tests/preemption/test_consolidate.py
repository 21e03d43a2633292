"""Moving what runs, so that a job fits which lacks room in one place only."""

import pytest

from evenflow.common.domain.decisions.decisions import EvictionReason
from tests.fleets.obedient import Obedient


def scattered(**fields):
    """Two machines of four GPUs with two in use each, by jobs that could share one."""
    world = Obedient("p/q", gpus=(4, 4), consolidate=True, strategy="spread", **fields)
    small = world.submit("p/q", 2, gpus=2)
    world.settle()
    assert len({world.shard.job(spec).placement[0].node for spec in small}) == 2
    return world, small


def test_one_moves_and_all_run():
    world, small = scattered()
    (wide,) = world.submit("p/q", gpus=4)
    (eviction,) = world.turn()
    assert eviction.reason is EvictionReason.CONSOLIDATED
    assert eviction.beneficiary == wide.id
    world.settle()
    assert len(world.running("p/q")) == 3
    moved = world.shard.job(next(s for s in small if s.id == eviction.job_id))
    assert moved.attempt == 2


def test_nobody_moves_unless_it_is_switched_on():
    world, _ = scattered()
    off = Obedient("p/q", gpus=(4, 4), strategy="spread")
    off.submit("p/q", 2, gpus=2)
    off.settle()
    off.submit("p/q", gpus=4)
    assert not off.settle()
    world.submit("p/q", gpus=4)
    assert world.settle()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"lost_gpu_per_cycle": 0}, id="no loss allowed"),
        pytest.param({"minimum_run_us": 10**12}, id="before the minimum run time"),
        pytest.param({"most_victims": 0}, id="no victims allowed"),
    ],
)
def test_nobody_moves(fields):
    world, _ = scattered(**fields)
    world.submit("p/q", gpus=4)
    assert not world.settle()


def test_nobody_moves_who_would_find_no_other_place():
    world = Obedient("p/q", gpus=(4, 2), consolidate=True)
    world.submit("p/q", gpus=3)
    world.settle()
    world.submit("p/q", gpus=4)
    assert not world.settle()


def test_who_moves_goes_where_it_was_planned_although_others_wait():
    world, small = scattered()
    world.submit("p/q", gpus=4)
    assert len(world.decide().evictions) == 1
    world.submit("p/q", 4, gpus=1)
    world.obey()
    world.turn()
    world.turn()
    assert all(world.is_live(spec) for spec in small)


def test_after_moving_a_thousand_idle_cycles_move_nobody():
    world, _ = scattered()
    world.submit("p/q", gpus=4)
    world.submit("p/q", 3, gpus=4)
    world.settle()
    assert not [e for _ in range(1000) for e in world.turn()]
