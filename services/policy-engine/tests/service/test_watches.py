"""History that is too old is told at once; a log that fills up is told before it is full."""

from datetime import timedelta

import structlog

from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import SECOND, ShardClock
from evenflow.common.domain.entry import Entry
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings, UsageSettings
from evenflow.common.runtime.usage_mirror import UsageMirror
from evenflow.common.testing.fakes.snapshots import FakeSnapshots
from evenflow.policy_engine.watches import UsageWatch
from tests.fleets.usage import a_snapshot

T0 = 1_000_000 * SECOND


class Hand(SystemClock):
    """A wall clock that a test moves."""

    at = T0

    def now(self) -> int:
        return self.at


class Engine:
    """What a watch sees of an engine."""

    def __init__(self, rate: int = 1) -> None:
        usage = UsageSettings(
            poll_interval=timedelta(seconds=1), max_staleness=timedelta(seconds=5)
        )
        self.ctx = ServiceContext(
            settings=Settings(usage=usage),
            health=Health(service="policy-engine", shard="main", version="0"),
            metrics=Metrics(service="policy-engine", shard="main", version="0"),
            log=structlog.stdlib.get_logger("test"),
        )
        self.ctx.health.started()
        self.wall = Hand()
        self.mirror = UsageMirror(FakeSnapshots(), self.ctx.log)
        clock = ShardClock(T0, T0, rate)
        self.watch = UsageWatch(self.ctx, self.mirror, lambda: clock, self.wall)

    async def snapshot(self, sequence: int, generated_at: int) -> None:
        fact = a_snapshot(sequence=sequence, generated_at=generated_at, data_until=4)
        self.mirror.on_entry(Entry(sequence, "e", 0, "usage-aggregator", fact))
        await self.mirror.refresh()

    def look(self, seconds: float) -> str:
        """What the engine says of usage so long after the beginning."""
        self.wall.at = T0 + round(seconds * SECOND)
        self.watch.look()
        return self.told("usage")

    def told(self, condition: str) -> str:
        """What its health says of a condition."""
        reasons = self.ctx.health.status()["reasons"]
        assert isinstance(reasons, dict)
        return str(reasons.get(condition, ""))

    def metric(self, name: str) -> float:
        value = self.ctx.metrics.registry.get_sample_value(f"evenflow_{name}")
        assert value is not None
        return value


async def test_history_of_exactly_the_most_age_counts_and_a_moment_later_it_does_not():
    engine = Engine()
    await engine.snapshot(1, T0)
    assert engine.look(5) == ""
    assert engine.metric("usage_available") == 1
    assert "unavailable" in engine.look(5.000001)
    assert (engine.metric("usage_available"), engine.ctx.health.is_ready) == (0, True)
    await engine.snapshot(2, T0 + 6 * SECOND)
    assert engine.look(6) == ""
    assert engine.metric("usage_snapshot_age_seconds") == 0


async def test_a_fast_clock_outruns_no_snapshot_between_two_polls():
    engine = Engine(rate=1000)
    await engine.snapshot(1, T0)
    assert engine.look(2.9) == ""
    assert "unavailable" in engine.look(3.1)


async def test_a_first_snapshot_is_waited_for_before_its_absence_is_a_warning():
    engine = Engine()
    assert engine.look(0) == ""
    assert engine.metric("usage_available") == 0
    engine.watch._began -= engine.ctx.settings.usage.startup_wait.total_seconds() + 1
    assert "none was taken yet" in engine.look(0)
