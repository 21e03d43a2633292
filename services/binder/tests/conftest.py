"""A binder in one term of leadership, on a cluster and a log in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import structlog

from evenflow.binder.core.retry import RetryPolicy
from evenflow.binder.metrics import BinderMetrics
from evenflow.binder.term import Term, TermSettings
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import codec
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.entry import Fact
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, runs
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.common.domain.jobs.run import token_of
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.testing.builders import a_node, a_queue
from evenflow.common.testing.fakes.executor import FakeCluster, FakeExecutor
from evenflow.common.testing.fakes.log import FakeLog

EAGER = RetryPolicy(first_delay=0.0, longest_delay=0.0)


@dataclass
class World:
    """A log, a cluster, and a binder that folds and acts; the test plays everybody else."""

    retry_policy: RetryPolicy = EAGER
    cluster: FakeCluster = field(default_factory=FakeCluster)
    log: FakeLog = field(default_factory=FakeLog)
    state: ShardState = field(default_factory=ShardState)
    last_seen: dict[str, Job] = field(default_factory=dict)
    cursors: list[int] = field(default_factory=list)
    term: Term | None = None
    _folded: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def binder(self) -> AsyncIterator[Term]:
        """Act until the block ends, which is as sudden as a kill: nothing is drained."""
        executor = FakeExecutor(self.cluster)
        term = self.term = Term(
            TermSettings(
                "simulated", max_starts=2, call_timeout=5.0, retry_policy=self.retry_policy
            ),
            lambda: self.state,
            executor,
            self.log,
            clock=SystemClock(),
            log=structlog.stdlib.get_logger(),
            metrics=BinderMetrics(Metrics(service="binder", shard="main", version="0")),
            save_cursor=self._keep,
        )
        work = [asyncio.create_task(term.run()), asyncio.create_task(self._fold())]
        try:
            await asyncio.wait_for(term.opened.wait(), 10)
            yield term
        finally:
            self.term = None
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await executor.close()

    async def tell(self, *facts: Fact) -> None:
        for fact in facts:
            await self.log.append(fact)

    async def prepare(self) -> None:
        await self.tell(
            queues.Defined((a_queue("default"), a_queue("default/default"))),
            cluster.Observed("simulated", (a_node("n1"),)),
            leader.Decided("engine", "1"),
        )

    async def place(self, *specs: JobSpec) -> None:
        """Submit jobs and place all tasks that they need to start."""
        await self.tell(jobs.Submitted(specs))
        placements = tuple(
            Placement(spec.id, 1, (TaskPlacement("n1"),) * spec.least_tasks) for spec in specs
        )
        await self.tell(cycle.Decided(3, 0, 0, "1", placements=placements))

    async def grow(self, spec: JobSpec) -> None:
        """Place one task more of a gang that runs."""
        growth = Placement(spec.id, 1, (TaskPlacement("n1"),))
        await self.tell(cycle.Decided(3, 0, 0, "1", growths=(growth,)))

    async def cancel(self, spec: JobSpec) -> None:
        await self.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that is true after a fold."""
        async with self._folded:
            await asyncio.wait_for(self._folded.wait_for(is_so), 60)

    def heard(self) -> asyncio.Event:
        """Return what is set when the cluster tells its next news."""
        event = asyncio.Event()
        self.cluster.listeners.append(lambda _: event.set())
        return event

    async def until_job(self, spec: JobSpec, state: JobState) -> Job:
        await self.until(
            lambda: spec.id in self.last_seen and self.last_seen[spec.id].state is state
        )
        return self.last_seen[spec.id]

    def reports(self) -> list[tuple[runs.RunReport, ...]]:
        """What binders reported, message by message."""
        return [
            codec.decode(message.subject, message.data).fact.runs
            for message in self.log.messages
            if message.subject.endswith("runs.reported")
        ]

    async def _fold(self) -> None:
        reader = await self.log.open_reader(self.state.sequence)
        async for batch in reader.batches():
            for message in batch:
                entry = codec.decode(message.subject, message.data, message.sequence)
                outcome = apply(self.state, entry)
                if isinstance(outcome, Folded):
                    self.last_seen |= outcome.jobs
                    if self.term is not None:
                        self.term.mark_changed(entry.sequence, outcome.jobs)
            if self.term is not None:
                self.term.carry_out()
            async with self._folded:
                self._folded.notify_all()

    async def _keep(self, cursor: int) -> None:
        async with self._folded:
            self.cursors.append(cursor)
            self._folded.notify_all()

    def token(self, spec: JobSpec, task: int = 0, attempt: int = 1) -> str:
        """Return the name of a run."""
        return token_of(spec.id, task, attempt)


@pytest.fixture
def new_world() -> type[World]:
    """Make one: `new_world(retry_policy, cluster=..., log=...)`."""
    return World
