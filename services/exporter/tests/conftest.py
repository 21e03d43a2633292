"""A log, a stream of samples, and an exporter that can die at any point and start again."""

import math

import pytest
import structlog

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.builders import T0, a_node, a_spec
from evenflow.common.testing.fakes.samples import FakeSamples
from evenflow.common.testing.shard import Shard
from evenflow.exporter.core.totals import UsageTotals, load_totals
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
        self.checkpoints: list[tuple[int, bytes]] = []
        self.kept = b""

    async def start(self) -> None:
        """A new process: read the last sample, load what fits, fold, catch up."""
        self.ctx = a_context()
        self.totals = load_totals(self.kept) or UsageTotals()
        self.sampler = Sampler(
            self.ctx, self.samples, self.clock, self.totals, max_entries=self.max_entries
        )
        highest = await self.sampler.read_last_sample()
        fitting = [each for each in self.checkpoints if each[0] <= highest]
        state = checkpoint.load(fitting[-1][1], "x") if fitting else ShardState()
        self.state, self.folded = state, state.sequence
        self.sampler.begin(state)
        await self.sampler.count_stream()
        self.fold()
        self.sampler.caught_up()

    def fold(self) -> None:
        for entry in self.shard.entries[self.folded :]:
            self.sampler.on_folded(entry, apply(self.state, entry))
        self.folded = len(self.shard.entries)

    def checkpoint(self) -> None:
        self.checkpoints.append((self.shard.state.sequence, checkpoint.dump(self.shard.state, "x")))

    async def tick(self, at: int) -> None:
        self.clock.at = T0 + at * SECOND
        self.fold()
        await self.sampler.tick()

    def run(self, number: int, start: int, end: int | None = None) -> JobSpec:
        spec = self.shard.submit(a_spec(number))
        placement = Placement(spec.id, 1, (TaskPlacement("n1"),))
        self.shard.tell(cycle.Decided(self.shard.state.epoch, 0, T0, "1", placements=(placement,)))
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

    def published(self) -> float:
        return math.fsum(entry.amounts["cpu"] for entry in self.samples.entries())


@pytest.fixture
def new_world() -> type[World]:
    """Make one: `new_world(max_entries)`."""
    return World
