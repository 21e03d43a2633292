"""Every resource-second is sampled once, over kill -9 of the exporter in the middle of a load."""

import asyncio
import math
import random
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import pytest

from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, runs
from evenflow.common.domain.job import JobSpec, TaskPhase
from evenflow.common.domain.run import Outcome
from evenflow.common.testing.builders import a_queue, a_spec
from evenflow.common.testing.servers import NatsServer, nats_server
from evenflow.common.testing.watched_log import Watched, a_service, watched

pytestmark = pytest.mark.integration

wall = SystemClock().now

EXPORTER = {"EVENFLOW_CLUSTER": "simulated:2x0"}


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


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

    async def _attempt(self, spec: JobSpec, attempt: int, outcome: Outcome) -> None:
        writer = self._watcher.writer
        placement = Placement(spec.id, attempt, (TaskPlacement("sim-0001"),) * spec.tasks)
        await writer.append(cycle.Decided(self._epoch, 0, wall(), "1", placements=(placement,)))
        started_at = wall()
        is_start_told = self._random.random() < 0.8
        if is_start_told:
            await self._report(spec, attempt, TaskPhase.RUNNING, started_at)
        await asyncio.sleep(self._random.choice((0.01, 0.05, 0.4, 1.5)))
        ended_at = wall()
        await asyncio.sleep(self._random.random() * 0.3)  # the report is late
        await self._report(
            spec, attempt, TaskPhase.ENDED, ended_at, outcome=outcome, started_at=started_at
        )

    async def _report(self, spec: JobSpec, attempt: int, phase: TaskPhase, at: int, **more) -> None:
        report = runs.RunReport(spec.id, attempt, phase, at, **more)
        await self._watcher.writer.append(runs.Reported((report,)))


def truth(watcher: Watched, resource: str) -> float:
    unit = 1000 if resource == "cpu" else 1
    return math.fsum(
        (end.ended_at - end.started_at) / 1e6 * end.spec.resources[resource] * end.spec.tasks / unit
        for end in watcher.ends
        if end.started_at is not None
    )


def sampled(watcher: Watched, resource: str) -> float:
    entries = (entry for sample in watcher.sampled for entry in sample.entries)
    return math.fsum(entry.amounts.get(resource, 0.0) for entry in entries)


def _has_more(watcher: Watched, count: int) -> bool:
    return len(watcher.sampled) > count


async def test_samples_add_up_to_what_the_log_says_over_kill_9_in_mid_load(server):
    async with watched(server) as watcher:
        load = Load(watcher, seed=7)
        with a_service("exporter", server, **EXPORTER):
            await load.prepare()
            running = [asyncio.create_task(_paced(load, number)) for number in range(1, 121)]
            await watcher.until(lambda: watcher.sampled)
        for pause in (1.3, 0.4):  # in the middle of the load: no exporter, then one, then killed
            await asyncio.sleep(pause)
            count = len(watcher.sampled)
            with a_service("exporter", server, **EXPORTER):
                await watcher.until(partial(_has_more, watcher, count + 1))
        with a_service("exporter", server, **EXPORTER):
            await asyncio.gather(*running)
            over = wall()
            await watcher.until(lambda: watcher.sampled[-1].interval_end > over)
    samples = watcher.sampled
    for resource in ("cpu", "memory"):
        assert sampled(watcher, resource) == pytest.approx(truth(watcher, resource), rel=1e-6)
    assert len(watcher.ends) >= 120
    assert all(a.interval_end == b.interval_start for a, b in pairwise(samples))
    assert len({sample.sample_id for sample in samples}) == len(samples)
    assert len(watcher.facts(cluster.Observed)) == 1  # restarts found nothing changed


async def _paced(load: Load, number: int) -> None:
    await asyncio.sleep(number * 0.05)
    await load.job(number)
