"""A small shard in its plainest form: every question is answered from scratch."""

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.requests import request_of_task
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.state.ledger import NodeHeld
from evenflow.policy_engine.core.placement import Rooms

BAD_PRICE = 1 << 60


@dataclass
class Free:
    """What is free on one node, in the plainest form."""

    amounts: dict[str, int]
    devices: list[int]

    def put(self, request, task, sign):
        for name, amount in request.items():
            self.amounts[name] = self.amounts.get(name, 0) - sign * amount
        for index in task.devices:
            if index < len(self.devices):
                self.devices[index] -= sign * (request["gpu"] // len(task.devices))

    def cards(self, request):
        """GPUs for one task; None when it does not fit."""
        wanted = {name: amount for name, amount in request.items() if amount}
        if any(amount > self.amounts.get(name, 0) for name, amount in wanted.items()):
            return None
        gpu = wanted.get("gpu", 0)
        if gpu > 1000 and gpu % 1000:
            return None
        if gpu % 1000:
            fit = [(free, i) for i, free in enumerate(self.devices) if free >= gpu]
            return (min(fit)[1],) if fit else None
        whole = [i for i, free in enumerate(self.devices) if free == 1000][: gpu // 1000]
        return tuple(whole) if len(whole) == gpu // 1000 else None

    def copy(self):
        return Free(dict(self.amounts), list(self.devices))


@dataclass
class World:
    """Nodes, and live jobs with their tasks; every question is answered from scratch."""

    settings: SchedulerSettings
    nodes: dict[str, Node] = field(default_factory=dict)
    live: dict[str, tuple[JobSpec, list[TaskPlacement]]] = field(default_factory=dict)
    counted: list[JobSpec] = field(default_factory=list)

    def held(self, name):
        held = NodeHeld()
        for spec, tasks in self.live.values():
            for index, task in enumerate(tasks):
                if task.node == name:
                    request = request_of_task(spec, index)
                    for resource, amount in request.items():
                        held.resources[resource] = held.resources.get(resource, 0) + amount
                    for device in task.devices:
                        part = request["gpu"] // len(task.devices)
                        held.devices[device] = held.devices.get(device, 0) + part
        return held

    def free(self):
        frees = {}
        for name, node in self.nodes.items():
            amounts = {
                k: v - v * self.settings.headroom_milli // 1000 for k, v in node.capacity.items()
            }
            frees[name] = Free(amounts, [1000] * node.device_count)
        for spec, tasks in self.live.values():
            for index, task in enumerate(tasks):
                if task.node in frees:
                    frees[task.node].put(request_of_task(spec, index), task, 1)
        return frees

    def keyed(self, key):
        return [
            self.nodes[task.node]
            for spec, tasks in self.live.values()
            if spec.constraints.anti_affinity and spec.constraints.anti_affinity.key == key
            for task in tasks
            if task.node in self.nodes
        ]

    def mix(self):
        counts = {}
        shapes = {}
        for spec in self.counted:
            key = shape_key(self, spec)
            counts[key] = counts.get(key, 0) + 1
            shapes[key] = spec
        weights = {}
        for key, spec in shapes.items():
            weight = 1
            while weight < counts[key]:
                weight *= 2
            for index in range(spec.tasks):
                request = tuple(
                    sorted((k, v) for k, v in request_of_task(spec, index).items() if v)
                )
                if dict(request).get("gpu"):
                    weights[request] = weights.get(request, 0) + weight
        ranked = sorted(weights.items(), key=lambda p: (-len(f"{p[1]:b}"), p[0]))[:128]
        return [(1 + (len(f"{w:b}") - 1) // 6, dict(r)) for r, w in ranked]


def shape_key(world, spec):
    rooms = Rooms(world.settings)
    return rooms.shape_of(spec).key


def waste(free, request):
    """What such a task cannot use; of the rest a part, where CPU or memory is short for it."""
    total = sum(free.devices)
    if free.cards(request) is None:
        return total
    gpu = request["gpu"]
    usable = sum(f for f in free.devices if f >= min(gpu, 1000))
    tasks = sum(f // min(gpu, 1000) for f in free.devices) // max(gpu // 1000, 1)
    useful = usable
    for name in ("cpu", "memory"):
        part = Fraction(free.amounts[name], request[name] * tasks) if request.get(name) else 1
        if part < 1:
            useful = min(useful, floor(usable * 2 * part / (1 + part)))
    return total - useful


def price(node):
    text = node.labels.get("price", "")
    return round(float(text) * 1000) if text.replace(".", "").isdigit() else BAD_PRICE
