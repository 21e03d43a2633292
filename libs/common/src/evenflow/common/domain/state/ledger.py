"""What is committed: resources held on each node and under each queue, summed over live jobs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from evenflow.common.domain.clock import DAY, Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks, placed_tasks_of
from evenflow.common.domain.jobs.requests import request_between, requests_of
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.queues.queue import lineage

DEVICE = 1000  # thousandths of one GPU
K = TypeVar("K")


@dataclass(slots=True)
class Held:
    """What the live jobs of a queue and everything below it hold."""

    resources: dict[str, int] = field(default_factory=dict)
    jobs: int = 0
    by_type: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class NodeHeld:
    """What the live tasks on a node hold; `devices`: a GPU's index to its thousandths in use."""

    resources: dict[str, int] = field(default_factory=dict)
    devices: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class GpusSince:
    """Thousandths of GPUs held since some time of one day, and the sum of each times its start.

    So what they have used by `now` is `gpus * now - weighted`, however many there are.
    """

    gpus: int = 0
    weighted: int = 0


class Ledger:
    """Holds and releases whole jobs. Used amounts are sums of it, so they cannot drift (QTA-07)."""

    def __init__(self) -> None:
        """Nothing is held."""
        self.queues: dict[str, Held] = {}
        self.nodes: dict[str, NodeHeld] = {}
        self.gpus_since: dict[str, dict[int, GpusSince]] = {}  # path to UTC day of the start

    def hold(self, job: Job) -> None:
        """Commit all tasks that a live job has."""
        self._apply(job, placed_tasks_of(job), 1, jobs=1)

    def hold_more(self, job: Job, first: int) -> None:
        """Commit the tasks from `first` on, by which a live job has just grown."""
        grown = [placed for placed in placed_tasks_of(job) if placed.first >= first]
        self._apply(job, grown, 1, jobs=0)

    def release(self, job: Job) -> None:
        """Give back what a live job holds."""
        self._apply(job, placed_tasks_of(job), -1, jobs=-1)

    def held(self, path: str) -> Held:
        """Return what is held under a queue; a new empty record when nothing is."""
        return self.queues.get(path) or Held()

    def _apply(
        self, job: Job, placed_tasks: Iterable[PlacedTasks], sign: int, *, jobs: int
    ) -> None:
        spec = job.spec
        for placed in placed_tasks:
            whole = request_between(spec, placed.first, placed.end)
            if sign < 0:
                whole = {name: -amount for name, amount in whole.items()}
            for path in lineage(spec.queue):
                self._hold_queue(path, whole, spec.job_type, jobs)
                if gpu := whole.get("gpu"):
                    self._hold_gpus(path, gpu, placed.since)
            self._hold_nodes(job, placed, sign)
            jobs = 0  # a job counts once, however often it grew

    def _hold_queue(self, path: str, whole: Mapping[str, int], job_type: str, jobs: int) -> None:
        held = self.queues.get(path)
        if held is None:
            held = self.queues[path] = Held()
        # As `_add`; every job passes here for each level of its queue.
        resources = held.resources
        for name, amount in whole.items():
            rest = resources.get(name, 0) + amount
            if rest:
                resources[name] = rest
            else:
                resources.pop(name, None)
        if jobs:
            held.jobs += jobs
            _add_one(held.by_type, job_type, jobs)
        if not held.jobs and not resources:
            del self.queues[path]

    def _hold_gpus(self, path: str, gpu: int, since: Instant) -> None:
        days = self.gpus_since.get(path)
        if days is None:
            days = self.gpus_since[path] = {}
        day = since // DAY
        record = days.get(day)
        if record is None:
            record = days[day] = GpusSince()
        record.gpus += gpu
        record.weighted += gpu * since
        if not record.gpus and not record.weighted:
            del days[day]
            if not days:
                del self.gpus_since[path]

    def _hold_nodes(self, job: Job, placed: PlacedTasks, sign: int) -> None:
        tasks = job.placement
        if placed.end - placed.first < len(tasks):
            tasks = tasks[placed.first : placed.end]
        for task, each in zip(tasks, _signed(job.spec, placed, sign), strict=True):
            node = self.nodes.get(task.node)
            if node is None:
                node = self.nodes[task.node] = NodeHeld()
            _add(node.resources, each)
            if task.devices:
                for device, amount in device_parts(task.devices, each.get("gpu", 0)):
                    _add_one(node.devices, device, amount)
            if not node.resources and not node.devices:
                del self.nodes[task.node]


def _signed(spec: JobSpec, placed: PlacedTasks, sign: int) -> list[Mapping[str, int]]:
    requests = requests_of(spec, placed.first, placed.end)
    if sign > 0:
        return requests
    if not spec.groups:  # all alike, which is the rule
        return [{name: -amount for name, amount in spec.resources.items()}] * len(requests)
    return [{name: -amount for name, amount in request.items()} for request in requests]


def device_parts(devices: Iterable[int], gpu: int) -> Iterator[tuple[int, int]]:
    """Yield (device, thousandths) of a task's GPUs: whole ones, or one shared for a fraction."""
    indices = tuple(devices)
    for index in indices:
        yield index, gpu // len(indices)


def _add(target: dict[K, int], amounts: Mapping[K, int]) -> None:
    # As `_add_one` for each; every job passes here several times.
    for key, amount in amounts.items():
        rest = target.get(key, 0) + amount
        if rest:
            target[key] = rest
        else:
            target.pop(key, None)


def _add_one(target: dict[K, int], key: K, amount: int) -> None:
    rest = target.get(key, 0) + amount
    if rest:
        target[key] = rest
    else:
        target.pop(key, None)
