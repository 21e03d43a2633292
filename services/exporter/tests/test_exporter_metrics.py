"""Counters and gauges as Prometheus reads them: never back, over restarts, gone in time."""

import pytest

from evenflow.common.testing.builders import a_node
from evenflow.common.testing.fakes.samples import FakeSamples
from evenflow.exporter.metrics import ExporterCollector


def series(world, name: str) -> dict[str, float]:
    lines = world.ctx.metrics.render().decode().splitlines()
    found = (line.rpartition(" ") for line in lines if line.startswith(f"evenflow_{name}{{"))
    return {labels: float(value) for labels, _, value in found}


def show(world) -> None:
    collector = ExporterCollector(
        lambda: world.state, world.totals, world.sampler.running, max_jobs=2
    )
    collector.register(world.ctx.metrics.registry)


async def test_counters_never_go_back_and_gauges_show_what_is_held(new_world):
    world = new_world()
    await world.start()
    collector = ExporterCollector(lambda: world.state, world.totals, world.sampler.running)
    collector.register(world.ctx.metrics.registry)
    running = world.run(1, start=0)
    await world.tick(5)
    text = world.ctx.metrics.render().decode()
    of_job = '{project="default",queue="default/default",resource="cpu",user="ann"} 5.0'
    assert f"evenflow_usage_seconds_total{of_job}" in text
    held = '{project="default",queue="default/default",resource="cpu"} 1.0'
    assert f"evenflow_queue_allocated{held}" in text
    assert 'evenflow_cluster_capacity{resource="cpu"} 64.0' in text
    world.end(running, 0, 4)
    await world.tick(6)
    assert world.published() == 4
    assert f"evenflow_usage_seconds_total{of_job}" in world.ctx.metrics.render().decode()


@pytest.mark.parametrize("keeps", [False, True], ids=["nothing kept", "kept in between"])
async def test_counters_go_on_after_a_restart_as_if_there_was_none(new_world, keeps):
    world = new_world()
    await world.start()
    running = world.run(1, start=1)
    world.run(2, start=1, end=3)
    await world.tick(5)
    if keeps:
        world.kept = world.totals.dump()
    await world.tick(8)
    before = world.counted()
    world.end(running, 1, 9)  # while nobody looks
    await world.start()
    assert world.counted() == before == 2 + 7  # before anybody could see less
    assert world.totals.sequence == world.samples.stored[-1].sequence
    await world.tick(10)
    assert world.counted() == world.published() == world.truth == 2 + 8


async def test_what_a_late_end_took_back_is_remembered_over_a_restart(new_world):
    world = new_world()
    await world.start()
    running = world.run(1, start=0)
    await world.tick(5)
    world.end(running, 0, 3)
    await world.tick(6)
    assert (world.counted(), world.published()) == (5, 3)
    world.kept = world.totals.dump()
    await world.start()
    world.run(2, start=6, end=7)
    await world.tick(8)
    assert (world.counted(), world.published()) == (5, 4)
    world.run(3, start=8, end=11)
    await world.tick(12)
    assert (world.counted(), world.published()) == (7, 7)


async def test_a_stream_that_was_made_anew_is_counted_on_top(new_world):
    world = new_world()
    await world.start()
    world.run(1, start=0, end=2)
    await world.tick(5)
    world.kept = world.totals.dump()
    world.samples = FakeSamples()
    await world.start()
    await world.tick(6)
    assert world.totals.sequence == 1
    assert world.counted() >= 2


async def test_a_job_has_series_until_ten_minutes_after_its_end_and_only_so_many_have(new_world):
    world = new_world()
    await world.start()
    show(world)
    jobs = [world.run(number, start=number, end=number + 2) for number in (1, 2, 3)]
    await world.tick(10)
    shown = series(world, "job_usage_seconds_total")
    assert len(shown) == 2 * len(jobs[0].resources)
    assert any(jobs[0].id in labels for labels in shown)
    assert all(jobs[2].id not in labels and "user" not in labels for labels in shown)
    assert "evenflow_job_series_hidden_jobs 1.0" in world.ctx.metrics.render().decode()
    await world.tick(10 + 600)
    assert len(series(world, "job_usage_seconds_total")) == len(shown)
    await world.tick(10 + 601)
    assert not series(world, "job_usage_seconds_total")
    assert world.counted() == 6  # those of users stay


async def test_nodes_are_told_by_state(new_world):
    world = new_world()
    await world.start()
    ExporterCollector(lambda: world.state, world.totals, world.sampler.running).register(
        world.ctx.metrics.registry
    )
    world.shard.with_nodes(a_node("n2", is_ready=False), a_node("n3"))
    world.fold()
    world.state.cordoned.add("n3")
    assert series(world, "node_ready") == {
        'evenflow_node_ready{cluster="simulated",node="n1"}': 1,
        'evenflow_node_ready{cluster="simulated",node="n2"}': 0,
        'evenflow_node_ready{cluster="simulated",node="n3"}': 1,
    }
    assert series(world, "nodes") == {
        'evenflow_nodes{cluster="simulated",state="cordoned"}': 1,
        'evenflow_nodes{cluster="simulated",state="not-ready"}': 1,
        'evenflow_nodes{cluster="simulated",state="ready"}': 2,
    }


async def test_what_a_running_job_holds_is_shown_until_its_end_and_only_for_so_many(new_world):
    world = new_world()
    await world.start()
    show(world)
    first, *_ = (world.run(number, start=number) for number in (1, 2, 3))
    world.fold()
    shown = series(world, "workload_allocated")
    assert list(shown.values()) == [1.0, 1.0]
    (labels,) = (each for each in shown if first.id in each)
    assert 'project="default",queue="default/default",resource="cpu",user="ann"' in labels
    world.end(first, 1, 9)
    world.fold()
    assert not any(first.id in k for k in series(world, "workload_allocated"))
    await world.start()  # another process shows the same
    show(world)
    assert len(series(world, "workload_allocated")) == 2
