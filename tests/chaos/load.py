"""The load: small real jobs of many kinds, submitted over REST, whatever happens meanwhile.

Each command writes `<job> <attempt> <task> <pid> start` and `... end` to one file that all share,
opened to append, so the file is what really ran, in the order in which it ran. Each holds a lock
while it lives: a second live process of the same task would write `overlap`. A process that is
killed leaves no `end`.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.facts import queues, quotas
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import a_queue
from tests.chaos.system import System, until

CONFIG: Final = """\
executor:
  local:
    capacity: {cpu: 16, memory: 64Gi}
    affinity: false
checkpoint: {every_seconds: 5}
usage: {poll_interval: 2s}
"""
OPEN, CAPPED, PROBES = "open/all", "capped/all", "probes/all"
CAPPED_CPU: Final = 800  # thousandths: eight jobs at once
_CLIENTS: Final = 6
_RETRY_SECONDS: Final = 0.1
_ANSWER_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job; `weight` is how many of a hundred are of it."""

    name: str
    weight: int
    body: str
    queue: str = OPEN
    options: dict[str, Any] = field(default_factory=dict)


KINDS: Final = (
    Kind("brief", 50, ":"),
    Kind("short", 14, "sleep 0.2"),
    Kind("long", 10, "sleep 3"),  # lives through a fault and the recovery after it
    Kind("gang", 8, "sleep 0.3", options={"tasks": 2}),
    # Fails once, by its own exit code.
    Kind("flaky", 5, "[ $EVENFLOW_ATTEMPT -gt 1 ]", options={"retry_limit": 3}),
    Kind("capped", 13, "sleep 0.1", queue=CAPPED),
)


def command(record: Path, body: str) -> list[str]:
    """Return a command that writes down its start and its end around `body`."""
    me = "$EVENFLOW_JOB_ID $EVENFLOW_ATTEMPT $EVENFLOW_TASK_INDEX $$"
    lock = f"{record.parent}/locks/$EVENFLOW_JOB_ID-$EVENFLOW_TASK_INDEX"
    script = (
        f"exec 9>{lock}; flock -n 9 || echo {me} overlap >>{record}; echo {me} start >>{record}; "
        f"{body}; s=$?; echo {me} end >>{record}; exit $s"
    )
    return ["/bin/sh", "-c", script]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the shared file."""

    job: str
    attempt: int
    task: int
    pid: int
    what: str  # start, end or overlap


class Load:
    """Submits, and remembers what was accepted under which phase."""

    def __init__(self, system: System, *, seed: int) -> None:
        """`seed` decides the kinds and their order; times are the machine's."""
        self.system = system
        self.record = system.home / "record"
        (system.home / "locks").mkdir(exist_ok=True)
        self.record.touch()
        self.accepted: dict[str, str] = {}  # job to the phase in which it was accepted
        self.names: dict[str, str] = {}  # job to its name, which no other submission has
        self._random = random.Random(seed)
        self._numbers = itertools.count()
        self._client = httpx.AsyncClient(timeout=_ANSWER_SECONDS, headers=system.headers)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def define(self) -> None:
        """Make the projects: one without limits, one with a quota on CPU, one for probes."""
        now = SystemClock().now()
        paths = [path for leaf in (OPEN, CAPPED, PROBES) for path in (leaf.split("/")[0], leaf)]
        async with self.system.log() as log:
            writer = log.writer(lambda: now)
            defined = queues.Defined(tuple(a_queue(path) for path in paths))
            await writer.append(defined)
            quota = Quota("capped", {"cpu": CAPPED_CPU}, created_at=now, updated_at=now)
            await writer.append(quotas.Set((quota,)))

    async def send(self, phase: str, count: int, over_seconds: float) -> None:
        """Submit `count` jobs spread over a time, and return when each was accepted."""
        kinds = self._random.choices(KINDS, [kind.weight for kind in KINDS], k=count)
        waiting: asyncio.Queue[tuple[float, Kind]] = asyncio.Queue()
        for number, kind in enumerate(kinds):
            waiting.put_nowait((number * over_seconds / count, kind))
        began = asyncio.get_running_loop().time()

        async def client() -> None:
            with suppress(asyncio.QueueEmpty):
                while True:
                    at, kind = waiting.get_nowait()
                    await asyncio.sleep(began + at - asyncio.get_running_loop().time())
                    await self.submit(phase, kind)

        async with asyncio.TaskGroup() as clients:
            for _ in range(_CLIENTS):
                clients.create_task(client())

    async def trickle(self, phase: str) -> None:
        """Submit five jobs a second until cancelled: however long a fault takes, there is work."""
        while True:
            await self.submit(phase, self._random.choice(KINDS))
            await asyncio.sleep(0.2)

    async def submit(self, phase: str, kind: Kind) -> str:
        """Submit one job and return its id; tried again under the same key until accepted."""
        name = f"{kind.name}-{next(self._numbers)}"
        body = {
            "name": name,
            "executor": "local",
            "queue_id": kind.queue,
            "resources": {"cpu": "100m", "memory": "64Mi"},
            "executor_config": {"command": command(self.record, kind.body)},
            "backoff_limit": 20,  # faults may cost a job many attempts
            **kind.options,
        }
        while True:
            with suppress(httpx.HTTPError):
                url = f"{self.system.state.url}/api/v1/jobs"
                answer = await self._client.post(url, json=body, headers={"Idempotency-Key": name})
                if answer.status_code == httpx.codes.CREATED:
                    job = str(answer.json()["id"])
                    self.accepted[job] = phase
                    self.names[job] = name
                    return job
                assert answer.status_code >= 500, answer.text  # else it is our own mistake
            await asyncio.sleep(_RETRY_SECONDS)

    async def probe(self, phase: str) -> str:
        """Submit a job of its own queue and return it when its command runs."""
        job = await self.submit(phase, Kind("probe", 0, ":", PROBES))
        await until(lambda: f"{job} ".encode() in self.record.read_bytes(), "the probe runs", 60)
        return job

    def lines(self) -> Iterator[Line]:
        """Yield what the commands wrote, in the order in which they wrote it."""
        for text in self.record.read_text().splitlines():
            job, attempt, task, pid, what = text.split()
            yield Line(job, int(attempt), int(task), int(pid), what)

    async def drained(self, seconds: float = 120) -> None:
        """Wait until no job waits or runs, as the gateway says."""
        limit = asyncio.get_running_loop().time() + seconds
        while any((counts := await self._counts()).values()):
            assert asyncio.get_running_loop().time() < limit, f"jobs are left: {counts}"
            await asyncio.sleep(0.1)

    async def totals(self) -> dict[str, int]:
        """Return how many jobs there are by status, as REST says.

        The status page shows the fold, these counts the SQL view, which follows a batch later: the
        read asks for a view that has reached what the status page has shown.
        """
        shown = self.system.headers
        url = f"{self.system.state.url}/api/v1/status"
        status = (await self._client.get(url, headers=shown)).json()
        reached = {"X-Evenflow-Sequence": str(status["sequence"]), **shown}
        url = f"{self.system.state.url}/api/v1/jobs/stats"
        answer = (await self._client.get(url, headers=reached)).raise_for_status().json()
        return {status: count for status, count in answer["by_status"].items() if count}

    async def _counts(self) -> dict[str, int]:
        url = f"{self.system.state.url}/api/v1/status"
        answer = await self._client.get(url, headers=self.system.headers)
        scheduler = answer.json()["scheduler"]
        return {name: scheduler[name] for name in ("pending_jobs", "running_jobs")}


@asynccontextmanager
async def a_load(system: System, *, seed: int) -> AsyncIterator[Load]:
    """A load on a running system, its projects defined."""
    load = Load(system, seed=seed)
    try:
        await load.define()
        yield load
    finally:
        await load.close()
