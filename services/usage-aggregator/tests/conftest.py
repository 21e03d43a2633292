"""Samples, a store of snapshots, a log, and aggregators that come and go."""

import math

import pytest
import structlog

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import SECOND, ShardClock
from evenflow.common.domain.errors import LogFull
from evenflow.common.domain.facts.usage import Sampled, SnapshotTaken, UsageEntry, UsageSample
from evenflow.common.domain.state.usage_documents import UsageDocuments
from evenflow.common.ports.usage_backends import TimeKept
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.builders import T0
from evenflow.common.testing.fakes.log import FakeLog
from evenflow.common.testing.fakes.samples import FakeSamples
from evenflow.common.testing.fakes.snapshots import FakeSnapshots
from evenflow.usage_aggregator.adapters.log import LogStore
from evenflow.usage_aggregator.core.window import Sliding
from evenflow.usage_aggregator.metrics import AggregatorMetrics
from evenflow.usage_aggregator.term import Term, TermPorts, TermSettings

HALF_LIFE = 100
WINDOW = Sliding.of(10_000 * SECOND, 10 * SECOND)
SETTINGS = TermSettings(HALF_LIFE * SECOND, 10 * SECOND, 60 * SECOND, WINDOW)
SUBJECT = subject_of(SnapshotTaken, "main")


class Hand:
    """A clock that is set by hand."""

    at = T0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / SECOND


class World:
    """Samples, a store, a log, and aggregators that come and go."""

    def __init__(self) -> None:
        self.samples, self.snapshots, self.log = FakeSamples(), FakeSnapshots(), FakeLog()
        self.clock = Hand()
        self.told: list[tuple[int, float]] = []

    def term(self, log_id: str = "log-1") -> Term:
        health = Health("usage-aggregator", "main", "1")
        metrics = Metrics(service="usage-aggregator", shard="main", version="1")
        self.ctx = ServiceContext(
            settings=Settings(), health=health, metrics=metrics, log=structlog.get_logger()
        )
        ports = TermPorts(
            log_id=log_id,
            store=LogStore(self.samples),
            backend="log",
            time_kept=TimeKept.SHARD,
            snapshots=self.snapshots,
            writer=self.log,
            clock=self._clock,
            last_number=self._last_number,
            fence=self._fence,
            begin_of_log=self._begin_of_log,
        )
        return Term(self.ctx, ports, SETTINGS, self.clock, AggregatorMetrics(metrics))

    async def start(self, log_id: str = "log-1") -> Term:
        """A term whose polls are made by hand."""
        term = self.term(log_id)
        await term.restore()
        return term

    async def use(self, seconds: float) -> None:
        """Ten more seconds have passed, and so much was used in them."""
        self.clock.at += 10 * SECOND
        number = len(self.told)
        self.told.append((self.clock.at, seconds))
        entry = UsageEntry("job", "a/b", "a", "ann", {"cpu": seconds})
        sample = UsageSample(
            f"s{number}", self.clock.at - 10 * SECOND, self.clock.at, (entry,), {"cpu": 4.0}
        )
        end = await self.samples.end()
        await self.samples.append(Sampled((sample,)), end.last.sequence if end.last else 0, "test")

    def closed_form(self, since: int = 0) -> float:
        rate = math.log(2) / (HALF_LIFE * SECOND)
        terms = [a * math.exp(-rate * (self.clock.at - end)) for end, a in self.told[since:]]
        return math.fsum(terms) / 3600

    def documents(self) -> list[str]:
        """What the log tells, made into documents as every reader does."""
        known, found = UsageDocuments(), []
        for message in self.log.messages:
            known.note(
                message.sequence, codec.decode(message.subject, message.data, message.sequence).fact
            )
            found.append(known.document(message.sequence))
        return found

    def published(self) -> list[SnapshotTaken]:
        return [codec.decode(m.subject, m.data, m.sequence).fact for m in self.log.messages]

    async def _clock(self) -> ShardClock:
        return ShardClock()

    async def _last_number(self) -> int:
        found = self.published()
        return found[-1].sequence if found else 0

    async def _begin_of_log(self) -> int:
        if self.log.is_full:
            raise LogFull("the log is full")
        return 1

    async def _fence(self):
        return self.log.fence_at(SUBJECT)


@pytest.fixture
def world() -> World:
    return World()
