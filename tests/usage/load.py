"""Plays engine and binder for tests of accounting, and knows what it all comes to."""

import asyncio
import math
import random

from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle, jobs, leader, queues, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.testing.builders import a_queue, a_spec
from evenflow.common.testing.watched_log import Watched

wall = SystemClock().now


class Load:
    """Plays engine and binder: jobs of some milliseconds or seconds, some in two attempts."""

    def __init__(self, watcher: Watched, seed: int) -> None:
        self._watcher = watcher
        self._random = random.Random(seed)
        self._epoch = 0

    async def prepare(self) -> None:
        writer, watcher = self._watcher.writer, self._watcher
        await writer.append(queues.Defined((a_queue("vision"), a_queue("vision/train"))))
        self._epoch = await writer.append(leader.Decided("engine-1", "1"))
        await watcher.until(lambda: len(watcher.state.nodes) == 2)

    async def job_of(self, number: int, seconds: float) -> None:
        """A job of two cores that runs for so long, and whose end is told at once."""
        spec = a_spec(number, queue="vision/train", resources={"cpu": 2000, "memory": 2**24})
        await self._watcher.writer.append(jobs.Submitted((spec,)))
        await self._attempt(spec, 1, Outcome.SUCCEEDED, seconds)

    async def job(self, number: int) -> None:
        tasks = self._random.choice((1, 1, 3))
        resources = {"cpu": self._random.randint(1, 200), "memory": self._random.randint(1, 2**24)}
        spec = a_spec(number, queue="vision/train", resources=resources, tasks=tasks, retry_limit=1)
        await self._watcher.writer.append(jobs.Submitted((spec,)))
        if self._random.random() < 0.3:
            await self._attempt(spec, 1, Outcome.FAILED)
            await self._attempt(spec, 2, Outcome.SUCCEEDED)
        else:
            await self._attempt(spec, 1, Outcome.SUCCEEDED)

    async def _attempt(
        self, spec: JobSpec, attempt: int, outcome: Outcome, seconds: float | None = None
    ) -> None:
        writer = self._watcher.writer
        placement = Placement(spec.id, attempt, (TaskPlacement("sim-0001"),) * spec.tasks)
        await writer.append(cycle.Decided(self._epoch, 0, wall(), "1", placements=(placement,)))
        started_at = wall()
        is_start_told = self._random.random() < 0.8
        if is_start_told:
            await self._report(spec, attempt, TaskPhase.RUNNING, started_at)
        await asyncio.sleep(seconds or self._random.choice((0.01, 0.05, 0.4, 1.5)))
        ended_at = wall()
        if seconds is None:
            await asyncio.sleep(self._random.random() * 0.3)  # the report is late
        await self._report(
            spec, attempt, TaskPhase.ENDED, ended_at, outcome=outcome, started_at=started_at
        )

    async def _report(self, spec: JobSpec, attempt: int, phase: TaskPhase, at: int, **more) -> None:
        report = runs.RunReport(spec.id, attempt, phase, at, **more)
        await self._watcher.writer.append(runs.Reported((report,)))

    async def paced(self, number: int) -> None:
        """A job that comes after those before it."""
        await asyncio.sleep(number * 0.05)
        await self.job(number)


def truth(watcher: Watched, resource: str) -> float:
    unit = 1000 if resource == "cpu" else 1
    return math.fsum(
        (end.ended_at - end.started_at) / 1e6 * end.spec.resources[resource] * end.spec.tasks / unit
        for end in watcher.ends
        if end.started_at is not None
    )
