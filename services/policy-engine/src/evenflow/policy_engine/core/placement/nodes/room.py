"""What is free on one node. It decides which GPUs a task gets, not which node."""

from typing import Protocol

from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.state.ledger import DEVICE, NodeHeld
from evenflow.policy_engine.core.placement.nodes.node_traits import NodeTraits
from evenflow.policy_engine.core.placement.nodes.request import COUNTLESS, Request

Entry = tuple[int, str, int, "Room"]
"""(score, node name, version, room): a candidate, least first; true while the versions agree."""


class Follower(Protocol):
    """What is told of every change of a room, and adds up what is free in all of its rooms."""

    cpu: int
    memory: int
    gpu: int

    def note(self, room: "Room") -> None:
        """A room is no longer what it was."""


class Room:
    """Free amounts of one node, beside the headroom. `whole` GPUs are free to their last part."""

    __slots__ = (
        "cpu", "devices", "entry", "extra", "gpu", "memory", "name", "node", "node_sets", "price",
        "traits", "version", "whole",
    )  # fmt: skip

    entry: Entry
    node_sets: tuple[Follower, ...]  # its cluster, then the domains that are watched
    traits: NodeTraits

    def __init__(self, node: Node, held: NodeHeld | None, headroom_milli: int, price: int) -> None:
        """Start from what live jobs hold on the node."""
        free = {k: v - v * headroom_milli // 1000 for k, v in node.capacity.items()}
        devices = [DEVICE] * node.device_count
        if held is not None:
            for name, amount in held.resources.items():
                free[name] = free.get(name, 0) - amount
            for index, amount in held.devices.items():
                if index < len(devices):  # a card may have left the node
                    devices[index] -= amount
        self.node = node
        self.name = node.name
        self.price = price
        self.cpu = free.pop("cpu", 0)
        self.memory = free.pop("memory", 0)
        self.gpu = free.pop("gpu", 0)
        self.extra = free
        self.devices = devices
        self.version = 0
        self._count_whole()

    def choose_devices(self, request: Request) -> tuple[int, ...]:
        """Return GPUs for a task that fits: the lowest whole ones, or the fullest that holds it."""
        count = request.whole
        devices = self.devices
        if count == 1:
            return (devices.index(DEVICE),)
        if count:
            return tuple([i for i, free in enumerate(devices) if free == DEVICE][:count])
        part = request.fraction
        if part:
            return (min((free, i) for i, free in enumerate(devices) if free >= part)[1],)
        return ()

    def hold(self, request: Request, devices: tuple[int, ...], sign: int) -> None:
        """Use up a task's part (`sign` 1), or get it back (-1)."""
        self.cpu -= sign * request.cpu
        self.memory -= sign * request.memory
        if request.extra:
            for name, amount in request.extra:
                self.extra[name] = self.extra.get(name, 0) - sign * amount
        if request.gpu:
            self.gpu -= sign * request.gpu
            if devices:
                part = sign * (request.gpu // len(devices))
                free = self.devices
                for index in devices:
                    if index < len(free):
                        free[index] -= part
            self._count_whole()

    def _count_whole(self) -> None:
        whole, most = self.devices.count(DEVICE), self.gpu // DEVICE
        if whole > most:  # the headroom holds for GPUs too
            whole = max(0, most)
        self.whole = whole

    def free(self, name: str) -> int:
        """Return what is free of one resource; below 0 when more is held than there is."""
        if name == "cpu":
            return self.cpu
        if name == "memory":
            return self.memory
        return self.gpu if name == "gpu" else self.extra.get(name, 0)

    def is_overdrawn(self) -> bool:
        """Whether more is taken than there is, of anything or of one GPU."""
        least = min(self.cpu, self.memory, self.gpu, *self.devices, *self.extra.values())
        return least < 0

    def has_part(self, fraction: int) -> bool:
        """Whether one GPU has that many thousandths left."""
        return self.gpu >= fraction and max(self.devices, default=0) >= fraction

    def has_extra(self, request: Request) -> bool:
        """Whether resources other than cpu, memory and GPUs are enough."""
        extra = self.extra
        return all(extra.get(name, 0) >= amount for name, amount in request.extra)

    def fits(self, request: Request) -> bool:
        """Whether one task fits by its amounts, wherever it may go."""
        return (
            self.whole >= request.whole
            and self.cpu >= request.least_cpu
            and self.memory >= request.least_memory
            and (not request.fraction or self.has_part(request.fraction))
            and (not request.extra or self.has_extra(request))
        )

    def slots(self, request: Request) -> int:
        """Return how many such tasks fit beside each other."""
        most = COUNTLESS
        if request.whole:
            most = self.whole // request.whole
        elif request.fraction:
            part = request.fraction
            most = min(sum([max(free, 0) // part for free in self.devices]), self.gpu // part)
        if request.cpu:
            most = min(most, self.cpu // request.cpu)
        if request.memory:
            most = min(most, self.memory // request.memory)
        for name, amount in request.extra:
            most = min(most, self.extra.get(name, 0) // amount)
        return max(most, 0)

    def sketch(self) -> "Room":
        """Return a copy of the amounts, to try things on."""
        copy = Room.__new__(Room)
        copy.node, copy.name, copy.price = self.node, self.name, self.price
        copy.cpu, copy.memory, copy.gpu, copy.whole = self.cpu, self.memory, self.gpu, self.whole
        copy.extra, copy.devices = dict(self.extra), list(self.devices)
        copy.version = 0
        return copy
