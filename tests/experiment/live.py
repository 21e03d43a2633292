"""The scenario through a running system: REST in, the log out, usage by exporter and aggregator."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from evenflow.client import ApiProblem, AsyncClient
from evenflow.common.domain.clock import SECOND, Instant
from tests.chaos.system import System
from tests.experiment.lived import Lived
from tests.experiment.scenario import GPUS, QUEUES, Scenario

_PER_NODE: Final = 8
_ROUND_SECONDS: Final = 0.25  # of wall time: what comes within it is submitted together
_MOST: Final = 500  # jobs of one request
_AT_ONCE: Final = 8
_LAST_WORDS_SECONDS: Final = 1.0  # the log is read to its end
_NOT_ENDED: Final = ["pending", "queued", "running"]
_QUOTA: Final = ("cpu", "memory", "gpu", "max_concurrent_jobs", "max_training_jobs")

Sleep = Callable[[Instant], Awaitable[None]]
"""Sleeps until an instant of the scenario."""


async def play(scenario: Scenario, home: Path, speed: int) -> Lived:
    """Run the scenario on a one-machine system of its own, `speed` times as fast as the wall."""
    system, lived = System(home, config=_config(scenario, speed)), Lived(scenario)
    try:
        await system.start()
        async with (
            AsyncClient(system.state.url, token=system.state.token()) as client,
            _following(system, lived),
        ):
            await client.apply([_queue(queue, scenario) for queue in QUEUES])
            now = (await client.status())["clock"]["now"]
            lived.began_at = round(datetime.fromisoformat(now).timestamp() * SECOND)
            began = asyncio.get_running_loop().time()

            async def sleep(until: Instant) -> None:
                ahead = began + until / SECOND / speed - asyncio.get_running_loop().time()
                await asyncio.sleep(max(0.0, ahead))

            each = [_Owner(client, queue, scenario).work(sleep, speed) for queue in QUEUES]
            await asyncio.gather(*each)
    finally:
        await system.end()
    return lived


def _config(scenario: Scenario, speed: int) -> str:
    return f"""\
cluster: simulated:{GPUS // _PER_NODE}x{_PER_NODE}
clock: {{speed: {speed}}}
fairness: {{k_value: {scenario.k}}}
usage:
  half_life: {scenario.half_life_us // SECOND}s
  poll_interval: {scenario.poll_us // SECOND}s
"""


def _queue(queue: str, scenario: Scenario) -> dict[str, Any]:
    return {
        "path": queue,
        "max_concurrent_jobs": None,
        "deserved": {"gpu": scenario.deserved_of(queue)},
        "quota": dict.fromkeys(_QUOTA),
    }


class _Owner:
    """Whoever wants a queue's jobs done."""

    def __init__(self, client: AsyncClient, queue: str, scenario: Scenario) -> None:
        self._client = client
        self._queue = queue
        self._scenario = scenario

    async def work(self, sleep: Sleep, speed: int) -> None:
        """Submit what is wanted when it is wanted; withdraw what is left when it is not."""
        for _, end in self._scenario.wants(self._queue):
            for comes, batch in self._rounds(end, speed):
                await sleep(comes)
                await self._client.submit_batch(batch)
            await sleep(end)
            await self._withdraw()

    def _rounds(self, end: Instant, speed: int) -> Iterator[tuple[Instant, list[Any]]]:
        """Yield the jobs of one time of wanting, those of a round together at its beginning."""
        step = round(_ROUND_SECONDS * SECOND * speed)
        of_time = (job for job in self._scenario.jobs(self._queue) if job[2] == end)
        for number, jobs in itertools.groupby(of_time, key=lambda job: job[0] // step):
            together = [self._request(run_us) for _, run_us, _ in jobs]
            for first in range(0, len(together), _MOST):
                yield number * step, together[first : first + _MOST]

    def _request(self, run_us: int) -> dict[str, Any]:
        return {
            "name": self._queue,
            "queue_id": self._queue,
            "user_id": self._queue,
            "executor": "simulated",
            "executor_config": {"run_seconds": run_us / SECOND},
            "cpu_request": 0,
            "memory_request": 0,
            "gpu_request": 1,
            "tasks": self._scenario.width,
            "preemptible": self._scenario.is_preemptible,
        }

    async def _withdraw(self) -> None:
        """Cancel all that waits or runs; nothing starts meanwhile."""
        await self._client.change_queue(self._queue, {"enabled": False})
        found = self._client.all_jobs(project_id=self._queue, status=_NOT_ENDED)
        turn, ids = asyncio.Semaphore(_AT_ONCE), [job["id"] async for job in found]

        async def cancel(job_id: str) -> None:
            async with turn:
                with suppress(ApiProblem):  # it has ended by itself
                    await self._client.cancel(job_id)

        await asyncio.gather(*(cancel(job_id) for job_id in ids))
        await self._client.change_queue(self._queue, {"enabled": True})


@asynccontextmanager
async def _following(system: System, lived: Lived) -> AsyncIterator[None]:
    """Fold the log meanwhile."""
    async with system.log() as log:
        reader = await log.open_reader(0)

        async def follow() -> None:
            async for batch in reader.batches():
                for message in batch:
                    lived.fold(message.subject, message.data, message.sequence)

        task = asyncio.create_task(follow())
        try:
            yield
        finally:
            await asyncio.sleep(_LAST_WORDS_SECONDS)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
