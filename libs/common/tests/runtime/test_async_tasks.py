"""Tasks end for certain, also those that swallow a cancellation, as requests to NATS do."""

import asyncio

import pytest

from evenflow.common.adapters.async_tasks import end_task, end_tasks
from evenflow.common.runtime.process.async_tasks import TaskCrew


async def swallows_once():
    """Go on after the first cancellation: `asyncio.wait_for` of Python 3.11 beside its answer."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


async def waits():
    await asyncio.sleep(60)


async def fails():
    raise ValueError("told as it is")


async def test_a_cancelled_crew_ends_although_one_of_its_tasks_swallowed_it():
    crew = TaskCrew()
    crew.start(swallows_once(), "stubborn")
    crew.start(waits(), "other")
    run = asyncio.create_task(crew.run())
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await end_task(run)
    assert run.cancelled()
    assert not [task for task in asyncio.all_tasks() if task.get_name() in ("stubborn", "other")]


async def test_the_first_failure_of_a_crew_is_raised_when_all_others_have_ended():
    crew = TaskCrew()
    crew.start(swallows_once(), "stubborn")

    async def starts_another():
        crew.start(fails(), "failing")

    crew.start(starts_another(), "first")
    async with asyncio.timeout(5):
        with pytest.raises(ValueError, match="told as it is"):
            await crew.run()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "stubborn"]


async def test_a_cancellation_of_who_ends_a_task_waits_until_it_has_ended():
    stubborn = asyncio.create_task(swallows_once())
    await asyncio.sleep(0.01)
    ending = asyncio.create_task(end_task(stubborn))
    await asyncio.sleep(0.01)
    ending.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({ending})
    assert ending.cancelled()
    assert stubborn.done()


async def test_a_task_that_ignores_every_cancellation_is_left_behind_in_time():
    is_over = False

    async def ignores():
        while not is_over:
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(ignores())
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await end_tasks((task,), within_seconds=0.3)
    assert not task.done()
    is_over = True
    await task
