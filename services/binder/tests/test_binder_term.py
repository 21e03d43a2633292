"""A term of leadership carries decisions out: starts, stops, calls that fail, what it reports."""

from evenflow.binder.core.retry import RetryPolicy
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.testing.builders import a_spec
from evenflow.common.testing.fakes.executor import REFUSE

HASTY = RetryPolicy(first_delay=0.0, longest_delay=0.0, give_up_after=0.0, force_after=0.0)


async def test_a_placement_runs_and_its_end_reaches_the_log(new_world) -> None:
    world, spec = new_world(), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        world.cluster.end(world.token(spec), Outcome.FAILED, 7)
        job = await world.until_job(spec, JobState.FAILED)
    assert job.exit_code == 7
    assert world.cluster.forgotten == {world.token(spec)}


async def test_a_gang_that_moves_together_is_told_in_one_report(new_world) -> None:
    world, spec = new_world(), a_spec(1, tasks=3)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
    assert [(r.phase, r.tasks) for message in world.reports() for r in message] == [
        (TaskPhase.RUNNING, None)
    ]


async def test_only_the_tasks_by_which_a_gang_grows_are_started_also_by_the_next_binder(
    new_world,
) -> None:
    roles = (TaskGroup("worker", 3, {"cpu": 1000}, 1),)
    world, spec = new_world(), a_spec(1, groups=roles, tasks=3, resources={})
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
            world.cluster.end(world.token(spec, task), Outcome.SUCCEEDED, 0)
        await world.until_job(spec, JobState.SUCCEEDED)
    told = [report.tasks for message in world.reports() for report in message]
    # "All of them" would reach a task that was placed while the report was on its way.
    assert told[:3] == [(0,), (1,), (2,)]


async def test_a_cancelled_run_is_stopped_and_its_job_cancelled(new_world) -> None:
    world, spec = new_world(), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        await world.cancel(spec)
        await world.until_job(spec, JobState.CANCELLED)
    assert world.cluster.alive == []


async def test_a_cancel_right_behind_its_placement_is_not_overtaken(new_world) -> None:
    world, spec = new_world(), a_spec(1)
    await world.prepare()
    await world.place(spec)
    await world.cancel(spec)
    async with world.binder():
        await world.until_job(spec, JobState.CANCELLED)
    assert world.cluster.processes[world.token(spec)] <= 1
    assert world.cluster.alive == []


async def test_one_failed_member_stops_the_rest_of_its_gang(new_world) -> None:
    world, spec = new_world(), a_spec(1, tasks=3)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        world.cluster.end(world.token(spec, 1), Outcome.FAILED, 1)
        job = await world.until_job(spec, JobState.FAILED)
    assert job.exit_code == 1
    assert world.cluster.alive == []


async def test_a_cluster_that_comes_back_gets_the_starts_it_missed(new_world) -> None:
    world, spec = new_world(), a_spec(1)
    await world.prepare()
    async with world.binder():
        world.cluster.is_away = True
        await world.place(spec)
        await world.until_job(spec, JobState.PLACED)
        world.cluster.is_away = False
        await world.until_job(spec, JobState.RUNNING)
    assert world.cluster.processes == {world.token(spec): 1}


async def test_a_start_given_up_is_reported_only_once_it_is_sure_that_it_cannot_happen(
    new_world,
) -> None:
    world, spec = new_world(HASTY), a_spec(1)
    await world.prepare()
    async with world.binder():
        world.cluster.is_away = True
        await world.place(spec)
        await world.until_job(spec, JobState.PLACED)
        assert world.reports() == []
        world.cluster.is_away = False
        job = await world.until_job(spec, JobState.PENDING)
    assert (job.attempt, job.setbacks) == (2, 1)
    assert world.cluster.calls[-1] == ("stop", world.token(spec))
    ((report,),) = world.reports()
    assert (report.outcome, report.retryable) == (Outcome.REFUSED, True)


async def test_a_broken_rule_is_refused_at_once_and_for_good(new_world) -> None:
    world, spec = new_world(), a_spec(1, executor_config={REFUSE: "no such thing"})
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        job = await world.until_job(spec, JobState.FAILED)
    assert "no such thing" in job.message
    assert job.attempt == 1


async def test_a_cancel_on_a_cluster_out_of_reach_is_forced_and_says_so(new_world) -> None:
    world, spec = new_world(HASTY), a_spec(1)
    await world.prepare()
    async with world.binder():
        await world.place(spec)
        await world.until_job(spec, JobState.RUNNING)
        world.cluster.is_away = True
        await world.cancel(spec)
        job = await world.until_job(spec, JobState.CANCELLED)
        world.cluster.is_away = False
    assert job.message.startswith("forced: ")


async def test_without_leave_to_force_a_cancelled_run_keeps_its_resources_until_it_is_gone(
    new_world,
) -> None:
    world, spec = new_world(), a_spec(1)
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
