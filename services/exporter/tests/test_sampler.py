"""The sampler over restarts: nothing lost, nothing told twice, whatever was in between."""

import math

import pytest
import structlog

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.jobs.job import JobSpec
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.builders import T0, Shard, a_node, a_spec
from evenflow.common.testing.fakes.samples import FakeSamples
from evenflow.exporter.core.totals import UsageTotals, load_totals
from evenflow.exporter.metrics import ExporterCollector
from evenflow.exporter.sampler import Sampler


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = T0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / SECOND


def a_context() -> ServiceContext:
    health = Health("exporter", "main", "1")
    metrics = Metrics(service="exporter", shard="main", version="1")
    return ServiceContext(
        settings=Settings(), health=health, metrics=metrics, log=structlog.get_logger()
    )


class World:
    """A log, a stream of samples, and an exporter that can die."""

    def __init__(self, max_entries: int = 500) -> None:
        self.max_entries = max_entries
        self.shard = Shard().with_queues("default/default").with_nodes(a_node("n1"))
        self.shard.with_leader()
        self.samples = FakeSamples()
        self.clock = Hand()
        self.truth = 0.0
        self.folded = 0
        self.bases: list[tuple[int, bytes]] = []
        self.kept = b""

    async def start(self) -> None:
        """A new process: recall, load the newest base that fits, fold, catch up."""
        self.ctx, self.totals = a_context(), load_totals(self.kept) or UsageTotals()
        self.sampler = Sampler(
            self.ctx, self.samples, self.clock, self.totals, max_entries=self.max_entries
        )
        highest = await self.sampler.recall()
        fitting = [base for base in self.bases if base[0] <= highest]
        state = checkpoint.load(fitting[-1][1], "x") if fitting else ShardState()
        self.state, self.folded = state, state.sequence
        self.sampler.begin(state)
        await self.sampler.count()
        self.fold()
        self.sampler.caught_up()

    def fold(self) -> None:
        for entry in self.shard.entries[self.folded :]:
            self.sampler.on_folded(entry, apply(self.state, entry))
        self.folded = len(self.shard.entries)

    def checkpoint(self) -> None:
        self.bases.append((self.shard.state.sequence, checkpoint.dump(self.shard.state, "x")))

    async def tick(self, at: int) -> None:
        self.clock.at = T0 + at * SECOND
        self.fold()
        await self.sampler.tick()

    def run(self, number: int, start: int, end: int | None = None) -> JobSpec:
        spec = self.shard.submit(a_spec(number))
        place(self.shard, spec)
        self.shard.start(spec, at=T0 + start * SECOND)
        if end is not None:
            self.end(spec, start, end)
        return spec

    def end(self, spec: JobSpec, start: int, end: int) -> None:
        self.truth += end - start
        self.shard.end(spec, Outcome.SUCCEEDED, at=T0 + end * SECOND)

    def counted(self) -> float:
        """What the counter of the one user and queue shows."""
        return dict(self.totals.items()).get(("default/default", "default", "ann", "cpu"), 0.0)

    def told(self) -> float:
        return math.fsum(entry.amounts["cpu"] for entry in self.samples.entries())


def place(shard: Shard, spec: JobSpec) -> None:
    placement = Placement(spec.id, 1, (TaskPlacement("n1"),))
    shard.tell(cycle.Decided(shard.state.epoch, 0, T0, "1", placements=(placement,)))


async def test_a_restart_loses_and_doubles_nothing_with_and_without_a_checkpoint():
    for with_base in (False, True):
        world = World()
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
        assert world.told() == world.truth == 10
        ends = [one.fact.samples[0].interval_end - T0 for one in world.samples.stored]
        starts = [one.fact.samples[0].interval_start - T0 for one in world.samples.stored]
        assert starts[1] == ends[0]


async def test_a_writer_that_dies_between_two_parts_of_a_sample_is_continued():
    world = World(max_entries=2)
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
    assert world.told() == world.truth == 6
    assert sum(bool(one.fact.samples[0].capacity) for one in world.samples.stored) == 3


async def test_without_any_sample_the_whole_log_counts_and_after_a_gap_none_of_it():
    world = World()
    world.run(1, start=1, end=3)
    await world.start()
    await world.tick(4)
    assert world.told() == 2
    world.samples.age()
    world.checkpoint()
    world.clock.at = T0 + 10 * SECOND
    world.run(2, start=5)
    await world.start()
    await world.tick(12)
    assert world.told() == 2  # of the job that began in the gap only what came after it


async def test_a_full_stream_delays_samples_and_loses_none():
    world = World()
    await world.start()
    running = world.run(1, start=1)
    world.samples.is_full = True
    await world.tick(2)
    await world.tick(3)
    assert "full" in world.ctx.health.reasons["samples"]
    world.end(running, 1, 4)
    world.samples.is_full = False
    await world.tick(5)
    assert world.told() == world.truth
    assert "samples" not in world.ctx.health.reasons


async def test_a_second_exporter_is_refused_by_the_stream():
    world = World()
    await world.start()
    other = Sampler(a_context(), world.samples, world.clock, UsageTotals())
    await other.recall()
    other.begin(ShardState())
    other.caught_up()
    await world.tick(1)
    world.clock.at += SECOND
    with pytest.raises(RevisionConflict):
        await other.tick()


async def test_counters_never_go_back_and_gauges_show_what_is_held():
    world = World()
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
    assert world.told() == 4
    assert f"evenflow_usage_seconds_total{of_job}" in world.ctx.metrics.render().decode()


@pytest.mark.parametrize("keeps", [False, True], ids=["nothing kept", "kept in between"])
async def test_counters_go_on_after_a_restart_as_if_there_was_none(keeps):
    world = World()
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
    assert world.counted() == world.told() == world.truth == 2 + 8


async def test_what_a_late_end_took_back_is_remembered_over_a_restart():
    world = World()
    await world.start()
    running = world.run(1, start=0)
    await world.tick(5)
    world.end(running, 0, 3)
    await world.tick(6)
    assert (world.counted(), world.told()) == (5, 3)
    world.kept = world.totals.dump()
    await world.start()
    world.run(2, start=6, end=7)
    await world.tick(8)
    assert (world.counted(), world.told()) == (5, 4)
    world.run(3, start=8, end=11)
    await world.tick(12)
    assert (world.counted(), world.told()) == (7, 7)


async def test_a_stream_that_was_made_anew_is_counted_on_top():
    world = World()
    await world.start()
    world.run(1, start=0, end=2)
    await world.tick(5)
    world.kept = world.totals.dump()
    world.samples = FakeSamples()
    await world.start()
    await world.tick(6)
    assert world.totals.sequence == 1
    assert world.counted() >= 2


def series(world: World, name: str) -> dict[str, float]:
    lines = world.ctx.metrics.render().decode().splitlines()
    found = (line.rpartition(" ") for line in lines if line.startswith(f"evenflow_{name}{{"))
    return {labels: float(value) for labels, _, value in found}


def show(world: World) -> None:
    collector = ExporterCollector(
        lambda: world.state, world.totals, world.sampler.running, max_jobs=2
    )
    collector.register(world.ctx.metrics.registry)


async def test_a_job_has_series_until_ten_minutes_after_its_end_and_only_so_many_have():
    world = World()
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


async def test_nodes_are_told_by_state():
    world = World()
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


async def test_what_a_running_job_holds_is_shown_until_its_end_and_only_for_so_many():
    world = World()
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
