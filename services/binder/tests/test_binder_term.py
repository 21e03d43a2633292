"""A term of acting, on a cluster and a log in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from evenflow.binder.core.retry import Patience
from evenflow.binder.metrics import BinderMetrics
from evenflow.binder.term import Duty, Term
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import codec
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.entry import Fact
from evenflow.common.domain.errors import LogFull
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, runs
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job, JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome, token_of
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import Origin
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.testing.builders import a_node, a_queue, a_spec
from evenflow.common.testing.fakes.executor import REFUSE, FakeCluster, FakeExecutor
from evenflow.common.testing.fakes.log import FakeLog

EAGER = Patience(first_delay=0.0, longest_delay=0.0)
HASTY = Patience(first_delay=0.0, longest_delay=0.0, give_up_after=0.0, force_after=0.0)


class FillingLog(FakeLog):
    """Says when it has refused something. Its callers come back soon."""

    def __init__(self) -> None:
        super().__init__()
        self.has_refused = asyncio.Event()

    async def append(self, fact: Fact, origin: Origin = Origin()) -> int:  # noqa: B008 - frozen
        try:
            return await super().append(fact, origin)
        except LogFull as error:
            self.has_refused.set()
            error.retry_after_seconds = 0.01
            raise


@dataclass
class World:
    """A log, a cluster, and a binder that folds and acts; the test plays everybody else."""

    patience: Patience = EAGER
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
            Duty("simulated", max_starts=2, call_timeout=5.0, patience=self.patience),
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
            await asyncio.wait_for(self._folded.wait_for(is_so), 20)

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
                        self.term.touch(entry.sequence, outcome.jobs)
            if self.term is not None:
                self.term.carry_out()
            async with self._folded:
                self._folded.notify_all()

    async def _keep(self, cursor: int) -> None:
        async with self._folded:
            self.cursors.append(cursor)
            self._folded.notify_all()


def token(spec: JobSpec, task: int = 0, attempt: int = 1) -> str:
    return token_of(spec.id, task, attempt)


async def test_a_placement_runs_and_its_end_reaches_the_log() -> None:
    world, spec = World(), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        world.cluster.end(token(spec), Outcome.FAILED, 7)
        job = await world.until_job(spec, JobState.FAILED)
    assert job.exit_code == 7
    assert world.cluster.forgotten == {token(spec)}


async def test_a_gang_that_moves_together_is_told_in_one_report() -> None:
    world, spec = World(), a_spec(1, tasks=3)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
    assert [(r.phase, r.tasks) for message in world.reports() for r in message] == [
        (TaskPhase.RUNNING, None)
    ]


async def test_only_the_tasks_by_which_a_gang_grows_are_started_also_by_the_next_binder() -> None:
    roles = (TaskGroup("worker", 3, {"cpu": 1000}, 1),)
    world, spec = World(), a_spec(1, groups=roles, tasks=3, resources={})
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        job = await world.until_job(spec, JobState.RUNNING)
        await world.grow(spec)
        await world.until(lambda: job.phases == [TaskPhase.RUNNING] * 2)
    await world.grow(spec)
    async with world.binder():
        await world.until(lambda: world.last_seen[spec.id].phases == [TaskPhase.RUNNING] * 3)
        assert world.last_seen[spec.id].state is JobState.RUNNING
        assert all(number == 1 for number in world.cluster.processes.values())
        for task in range(3):
            world.cluster.end(token(spec, task), Outcome.SUCCEEDED, 0)
        await world.until_job(spec, JobState.SUCCEEDED)
    told = [report.tasks for message in world.reports() for report in message]
    # "All of them" would reach a task that was placed while the report was on its way.
    assert told[:3] == [(0,), (1,), (2,)]


async def test_a_cancelled_run_is_stopped_and_its_job_cancelled() -> None:
    world, spec = World(), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        await world.cancel(spec)
        await world.until_job(spec, JobState.CANCELLED)
    assert world.cluster.alive == []


async def test_a_cancel_right_behind_its_placement_is_not_overtaken() -> None:
    world, spec = World(), a_spec(1)
    await world.prepare()
    await world.place(spec)
    await world.cancel(spec)
    async with world.binder():
        await world.until_job(spec, JobState.CANCELLED)
    assert world.cluster.processes[token(spec)] <= 1
    assert world.cluster.alive == []


async def test_one_failed_member_stops_the_rest_of_its_gang() -> None:
    world, spec = World(), a_spec(1, tasks=3)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        world.cluster.end(token(spec, 1), Outcome.FAILED, 1)
        job = await world.until_job(spec, JobState.FAILED)
    assert job.exit_code == 1
    assert world.cluster.alive == []


async def test_a_cluster_that_comes_back_gets_the_starts_it_missed() -> None:
    world, spec = World(), a_spec(1)
    await world.prepare()
    async with world.binder():
        world.cluster.is_away = True
        await world.place(spec)
        await world.until_job(spec, JobState.PLACED)
        world.cluster.is_away = False
        await world.until_job(spec, JobState.RUNNING)
    assert world.cluster.processes == {token(spec): 1}


async def test_a_start_given_up_is_reported_only_once_it_is_sure_that_it_cannot_happen() -> None:
    world, spec = World(HASTY), a_spec(1)
    await world.prepare()
    async with world.binder():
        world.cluster.is_away = True
        await world.place(spec)
        await world.until_job(spec, JobState.PLACED)
        assert world.reports() == []
        world.cluster.is_away = False
        job = await world.until_job(spec, JobState.PENDING)
    assert (job.attempt, job.setbacks) == (2, 1)
    assert world.cluster.calls[-1] == ("stop", token(spec))
    ((report,),) = world.reports()
    assert (report.outcome, report.retryable) == (Outcome.REFUSED, True)


async def test_a_broken_rule_is_refused_at_once_and_for_good() -> None:
    world, spec = World(), a_spec(1, executor_config={REFUSE: "no such thing"})
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        job = await world.until_job(spec, JobState.FAILED)
    assert "no such thing" in job.message
    assert job.attempt == 1


async def test_a_cancel_on_a_cluster_out_of_reach_is_forced_and_says_so() -> None:
    world, spec = World(HASTY), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        world.cluster.is_away = True
        await world.cancel(spec)
        job = await world.until_job(spec, JobState.CANCELLED)
        world.cluster.is_away = False
    assert job.message.startswith("forced: ")


async def test_without_leave_to_force_a_cancelled_run_keeps_its_resources_until_it_is_gone() -> (
    None
):
    world, spec = World(), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        world.cluster.is_away = True
        await world.cancel(spec)
        await world.until(lambda: world.last_seen[spec.id].cancel_requested)
        assert world.last_seen[spec.id].is_live
        world.cluster.is_away = False
        await world.until_job(spec, JobState.CANCELLED)


async def test_what_was_started_and_not_reported_is_adopted_by_the_next_binder() -> None:
    world, spec = World(), a_spec(1)
    await world.prepare()
    async with world.binder():
        has_started = world.heard()
        await world.place(spec)
        world.log.set_away(True)
        await asyncio.wait_for(has_started.wait(), 10)
    world.cluster.end(token(spec), Outcome.FAILED, 3)
    world.log.set_away(False)
    async with world.binder():
        job = await world.until_job(spec, JobState.FAILED)
    assert job.exit_code == 3
    assert world.cluster.processes == {token(spec): 1}
    assert world.cluster.calls.count(("start", token(spec))) == 1


async def test_a_running_run_that_the_cluster_lost_ends_as_lost() -> None:
    world, spec = World(), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
    world.cluster.runs.clear()
    async with world.binder():
        job = await world.until_job(spec, JobState.PENDING)
    assert (job.attempt, job.setbacks) == (2, 1)


async def test_reports_that_waited_for_the_log_travel_together() -> None:
    world, specs = World(), [a_spec(number) for number in range(1, 21)]
    await world.prepare()
    async with world.binder():
        world.log.set_away(True)
        placing = asyncio.create_task(world.place(*specs))
        world.log.set_away(False)
        await placing
        for spec in specs:
            await world.until_job(spec, JobState.RUNNING)
        world.log.set_away(True)
        for spec in specs:
            world.cluster.end(token(spec))
        world.log.set_away(False)
        for spec in specs:
            await world.until_job(spec, JobState.SUCCEEDED)
    assert len(world.reports()) <= 6
    assert sum(map(len, world.reports())) == 2 * len(specs)


async def test_a_full_log_delays_reports_and_loses_none() -> None:
    log = FillingLog()
    world, spec = World(log=log), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        log.is_full = True
        world.cluster.end(token(spec))
        await asyncio.wait_for(log.has_refused.wait(), 10)
        log.is_full = False
        await world.until_job(spec, JobState.SUCCEEDED)


async def test_stopping_the_work_ends_every_run_and_tells_it_before_it_returns() -> None:
    world, running, waiting = World(), a_spec(1), a_spec(2)
    await world.prepare()
    async with world.binder() as term:
        await world.place(running)
        await world.until_job(running, JobState.RUNNING)
        await term.stop_runs()
        assert world.cluster.alive == []
        assert [r.outcome for message in world.reports() for r in message][-1] is Outcome.STOPPED
        job = await world.until_job(running, JobState.PENDING)
        assert job.attempt == 2
        await world.place(waiting)
        await world.until_job(waiting, JobState.PLACED)
    assert token(waiting) not in world.cluster.runs


async def test_handing_over_leaves_runs_alone() -> None:
    world, spec = World(), a_spec(1)
    await world.prepare()
    async with world.binder() as term:
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        await term.hand_over()
    assert world.cluster.alive == [token(spec)]


async def test_the_cursor_stays_below_a_decision_that_is_not_carried_out() -> None:
    world, spec = World(cluster=FakeCluster(is_prompt=False)), a_spec(1)
    await world.prepare()
    await world.place(spec)
    async with world.binder():
        await world.until_job(spec, JobState.PLACED)
    async with world.binder():
        await world.until(lambda: bool(world.cursors))
    assert world.cursors[-1] < world.state.sequence
