"""From one term to the next: what is adopted, what waits for the log, what is left behind."""

import asyncio

from evenflow.common.domain.entry import Fact
from evenflow.common.domain.errors import LogFull
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.log import Origin
from evenflow.common.testing.builders import a_spec
from evenflow.common.testing.fakes.executor import FakeCluster
from evenflow.common.testing.fakes.log import FakeLog


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


async def test_what_was_started_and_not_reported_is_adopted_by_the_next_binder(new_world) -> None:
    world, spec = new_world(), a_spec(1)
    await world.prepare()
    async with world.binder():
        has_started = world.heard()
        await world.place(spec)
        world.log.set_away(True)
        await asyncio.wait_for(has_started.wait(), 10)
    world.cluster.end(world.token(spec), Outcome.FAILED, 3)
    world.log.set_away(False)
    async with world.binder():
        job = await world.until_job(spec, JobState.FAILED)
    assert job.exit_code == 3
    assert world.cluster.processes == {world.token(spec): 1}
    assert world.cluster.calls.count(("start", world.token(spec))) == 1


async def test_a_running_run_that_the_cluster_lost_ends_as_lost(new_world) -> None:
    world, spec = new_world(), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
    world.cluster.runs.clear()
    async with world.binder():
        job = await world.until_job(spec, JobState.PENDING)
    assert (job.attempt, job.setbacks) == (2, 1)


async def test_reports_that_waited_for_the_log_travel_together(new_world) -> None:
    world, specs = new_world(), [a_spec(number) for number in range(1, 21)]
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
            world.cluster.end(world.token(spec))
        world.log.set_away(False)
        for spec in specs:
            await world.until_job(spec, JobState.SUCCEEDED)
    assert len(world.reports()) <= 6
    assert sum(map(len, world.reports())) == 2 * len(specs)


async def test_a_full_log_delays_reports_and_loses_none(new_world) -> None:
    log = FillingLog()
    world, spec = new_world(log=log), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        log.is_full = True
        world.cluster.end(world.token(spec))
        await asyncio.wait_for(log.has_refused.wait(), 10)
        log.is_full = False
        await world.until_job(spec, JobState.SUCCEEDED)


async def test_stopping_the_work_ends_every_run_and_tells_it_before_it_returns(new_world) -> None:
    world, running, waiting = new_world(), a_spec(1), a_spec(2)
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
    assert world.token(waiting) not in world.cluster.runs


async def test_handing_over_leaves_runs_alone(new_world) -> None:
    world, spec = new_world(), a_spec(1)
    await world.prepare()
    async with world.binder() as term:
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        await term.hand_over()
    assert world.cluster.alive == [world.token(spec)]


async def test_the_cursor_stays_below_a_decision_that_is_not_carried_out(new_world) -> None:
    world, spec = new_world(cluster=FakeCluster(is_prompt=False)), a_spec(1)
    await world.prepare()
    await world.place(spec)
    async with world.binder():
        await world.until_job(spec, JobState.PLACED)
    async with world.binder():
        await world.until(lambda: bool(world.cursors))
    assert world.cursors[-1] < world.state.sequence
