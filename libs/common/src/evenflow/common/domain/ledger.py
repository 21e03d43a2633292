"""What is committed: resources held on each node and under each queue, summed over live jobs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from evenflow.common.domain.job import Job
from evenflow.common.domain.queue import lineage

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


class Ledger:
    """Holds and releases whole jobs. Used amounts are sums of it, so they cannot drift (QTA-07)."""

    def __init__(self) -> None:
        """Nothing is held."""
        self.queues: dict[str, Held] = {}
        self.nodes: dict[str, NodeHeld] = {}

    def hold(self, job: Job) -> None:
        """Commit a job that was just placed."""
        self._apply(job, 1)

    def release(self, job: Job) -> None:
        """Give back what a live job holds."""
        self._apply(job, -1)

    def held(self, path: str) -> Held:
        """Return what is held under a queue; a new empty record when nothing is."""
        return self.queues.get(path) or Held()

    def _apply(self, job: Job, sign: int) -> None:
        spec = job.spec
        whole = {name: sign * amount * spec.tasks for name, amount in spec.resources.items()}
        for path in lineage(spec.queue):
            held = self.queues.get(path)
            if held is None:
                held = self.queues[path] = Held()
            _add(held.resources, whole)
            held.jobs += sign
            _add_one(held.by_type, spec.job_type, sign)
            if not held.jobs and not held.resources:
                del self.queues[path]
        each = {name: sign * amount for name, amount in spec.resources.items()}
        for task in job.placement:
            node = self.nodes.get(task.node)
            if node is None:
                node = self.nodes[task.node] = NodeHeld()
            _add(node.resources, each)
            for device, amount in device_parts(task.devices, each.get("gpu", 0)):
                _add_one(node.devices, device, amount)
            if not node.resources and not node.devices:
                del self.nodes[task.node]


def device_parts(devices: Iterable[int], gpu: int) -> Iterator[tuple[int, int]]:
    """Yield (device, thousandths) of a task's GPUs: whole ones, or one shared for a fraction."""
    indices = tuple(devices)
    for index in indices:
        yield index, gpu // len(indices)


def _add(target: dict[K, int], amounts: Mapping[K, int]) -> None:
    for key, amount in amounts.items():
        _add_one(target, key, amount)


def _add_one(target: dict[K, int], key: K, amount: int) -> None:
    rest = target.get(key, 0) + amount
    if rest:
        target[key] = rest
    else:
        target.pop(key, None)
