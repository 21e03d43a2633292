"""The sampler over restarts: nothing lost, nothing told twice, whatever was in between."""

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import T0
from evenflow.exporter.core.totals import UsageTotals
from evenflow.exporter.sampler import Sampler


async def test_a_restart_loses_and_doubles_nothing_with_and_without_a_checkpoint(new_world):
    for with_base in (False, True):
        world = new_world()
        await world.start()
        running = world.run(1, start=1)
        world.run(2, start=1, end=3)
        if with_base:
            world.checkpoint()
        await world.tick(5)
        world.end(running, 1, 7)  # while nobody looks
        world.run(3, start=6, end=8)
        world.checkpoint()  # newer than the last sample: must not be used
        world.clock.at = T0 + 9 * SECOND
        await world.start()
        await world.tick(10)
        assert world.published() == world.truth == 10
        ends = [one.fact.samples[0].interval_end - T0 for one in world.samples.stored]
        starts = [one.fact.samples[0].interval_start - T0 for one in world.samples.stored]
        assert starts[1] == ends[0]


async def test_a_writer_that_dies_between_two_parts_of_a_sample_is_continued(new_world):
    world = new_world(max_entries=2)
    await world.start()
    await world.tick(1)
    for number in range(1, 6):
        world.run(number, start=1, end=2)
    await world.tick(3)
    whole = world.samples.stored
    assert len(whole) == 1 + 3
    world.samples.stored = whole[:3]  # the third part was never written
    world.run(6, start=3, end=4)
    await world.start()
    await world.tick(5)
    assert world.samples.stored[3].fact == whole[3].fact
    assert world.published() == world.truth == 6
    assert sum(bool(one.fact.samples[0].capacity) for one in world.samples.stored) == 3


async def test_without_any_sample_the_whole_log_counts_and_after_a_gap_none_of_it(new_world):
    world = new_world()
    world.run(1, start=1, end=3)
    await world.start()
    await world.tick(4)
    assert world.published() == 2
    world.samples.age()
    world.checkpoint()
    world.clock.at = T0 + 10 * SECOND
    world.run(2, start=5)
    await world.start()
    await world.tick(12)
    assert world.published() == 2  # of the job that began in the gap only what came after it


async def test_a_full_stream_delays_samples_and_loses_none(new_world):
    world = new_world()
    await world.start()
    running = world.run(1, start=1)
    world.samples.is_full = True
    await world.tick(2)
    await world.tick(3)
    assert "full" in world.ctx.health.reasons["samples"]
    world.end(running, 1, 4)
    world.samples.is_full = False
    await world.tick(5)
    assert world.published() == world.truth
    assert "samples" not in world.ctx.health.reasons


async def test_a_second_exporter_is_refused_by_the_stream(new_world):
    world = new_world()
    await world.start()
    other = Sampler(world.ctx, world.samples, world.clock, UsageTotals())
    await other.read_last_sample()
    other.begin(ShardState())
    other.caught_up()
    await world.tick(1)
    world.clock.at += SECOND
    with pytest.raises(RevisionConflict):
        await other.tick()
