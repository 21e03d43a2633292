"""Where there is room: nodes by what is free on them, and trials that leave no trace.

Nodes are kept by the number of wholly free GPUs, and among equals by free CPU, so that a search
starts at the fullest node that can hold the task (pack) and never scans the cluster.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sortedcontainers import SortedDict, SortedList

from evenflow.common.domain.decisions import TaskPlacement
from evenflow.common.domain.ledger import DEVICE, NodeHeld
from evenflow.common.domain.node import Node
from evenflow.common.domain.resources import Resources, fits

Shelf = tuple[int, int, str]
"""(wholly free GPUs, free cpu, node name): where a node stands in the order of search."""


@dataclass(slots=True)
class Room:
    """What is free on one node: amounts by resource, and thousandths by GPU index."""

    node: Node
    free: dict[str, int]
    devices: list[int]

    @classmethod
    def of(cls, node: Node, held: NodeHeld | None, headroom_milli: int) -> "Room":
        """Return what a node has left beside `held` and the headroom."""
        free = {k: v - v * headroom_milli // 1000 for k, v in node.capacity.items()}
        devices = [DEVICE] * node.device_count
        if held is not None:
            for name, amount in held.resources.items():
                free[name] = free.get(name, 0) - amount
            for index, amount in held.devices.items():
                if index < len(devices):  # a card may have left the node
                    devices[index] -= amount
        return cls(node, free, devices)

    def take(self, request: Resources, devices: tuple[int, ...]) -> None:
        """Use up a task's part."""
        for name, amount in request.items():
            self.free[name] = self.free.get(name, 0) - amount
        for index in devices:
            self.devices[index] -= request["gpu"] // len(devices)

    def give(self, request: Resources, devices: tuple[int, ...]) -> None:
        """Undo `take`."""
        for name, amount in request.items():
            self.free[name] = self.free.get(name, 0) + amount
        for index in devices:
            self.devices[index] += request["gpu"] // len(devices)

    def shelf(self) -> Shelf:
        """Return where the node stands now."""
        return (self.devices.count(DEVICE), self.free.get("cpu", 0), self.node.name)

    def choose_devices(self, gpu: int) -> tuple[int, ...] | None:
        """Return GPUs for a task: the lowest whole ones, or the fullest that holds a fraction."""
        if gpu == 0:
            return ()
        if gpu % DEVICE == 0:
            whole = [i for i, free in enumerate(self.devices) if free == DEVICE][: gpu // DEVICE]
            return tuple(whole) if len(whole) == gpu // DEVICE else None
        if gpu > DEVICE:
            return None
        shared = [(free, i) for i, free in enumerate(self.devices) if free >= gpu]
        return (min(shared)[1],) if shared else None


class Rooms:
    """The rooms of all nodes that take work, by cluster."""

    def __init__(self, headroom_milli: int = 0) -> None:
        """`headroom_milli` thousandths of every node's capacity stay free (SCH-15)."""
        self._headroom = headroom_milli
        self._rooms: dict[str, Room] = {}
        self._shelves: dict[str, dict[int, SortedList[tuple[int, str]]]] = {}
        self.capacity: dict[str, int] = {}  # of all nodes here
        self._cannot: set[tuple[object, ...]] = set()  # gang shapes no set of nodes could ever hold
        self._can: set[tuple[object, ...]] = set()

    def put(self, node: Node, held: NodeHeld | None) -> None:
        """Add a node or replace what is known of it."""
        self.drop(node.name)
        room = Room.of(node, held, self._headroom)
        self._rooms[node.name] = room
        self._shelve(room)
        for name, amount in node.capacity.items():
            self.capacity[name] = self.capacity.get(name, 0) + amount
        self._forget_shapes()

    def drop(self, name: str) -> None:
        """Remove a node; nothing happens when it is not here."""
        room = self._rooms.pop(name, None)
        if room is None:
            return
        self._unshelve(room)
        for resource, amount in room.node.capacity.items():
            self.capacity[resource] -= amount
        self._forget_shapes()

    def refresh(self, name: str, held: NodeHeld | None) -> None:
        """Follow a change of what is held on a node."""
        room = self._rooms.get(name)
        if room is not None:
            self._unshelve(room)
            self._rooms[name] = fresh = Room.of(room.node, held, self._headroom)
            self._shelve(fresh)

    @contextmanager
    def trial(self) -> Iterator["Trial"]:
        """Try placements; when the block ends everything is as it was."""
        trial = Trial(self)
        try:
            yield trial
        finally:
            trial.undo(0)

    def largest(self, cluster: str) -> Mapping[str, int]:
        """Return the capacity of the node with most GPUs, then most CPU; empty without nodes."""
        capacities = [r.node.capacity for r in self._rooms.values() if r.node.cluster == cluster]
        return max(capacities, key=lambda c: (c.get("gpu", 0), c.get("cpu", 0)), default={})

    def has_cluster(self, cluster: str) -> bool:
        """Whether any node of it takes work."""
        return bool(self._shelves.get(cluster))

    def could_hold(self, cluster: str, request: Resources, tasks: int) -> bool:
        """Whether the gang would fit if nothing else ran. Answers are kept until a node changes."""
        shape = (cluster, tasks, *sorted(request.items()))
        if shape in self._can:
            return True
        if shape in self._cannot:
            return False
        room_for = 0
        for room in self._rooms.values():
            if room.node.cluster == cluster:
                room_for += self._tasks_on_empty(room, request)
                if room_for >= tasks:
                    self._can.add(shape)
                    return True
        self._cannot.add(shape)
        return False

    def _tasks_on_empty(self, room: Room, request: Resources) -> int:
        capacity = room.node.capacity
        most = min(
            (
                (capacity.get(name, 0) - capacity.get(name, 0) * self._headroom // 1000) // amount
                for name, amount in request.items()
                if amount
            ),
            default=1 << 30,
        )
        gpu = request.get("gpu", 0)
        if gpu % DEVICE:
            if gpu > DEVICE:
                return 0
            most = min(most, room.node.device_count * (DEVICE // gpu))
        return most

    def find(self, cluster: str, request: Resources) -> tuple[Room, tuple[int, ...]] | None:
        """Return the fullest node that holds one task now, and its GPUs."""
        shelves = self._shelves.get(cluster)
        if not shelves:
            return None
        gpu, cpu = request.get("gpu", 0), request.get("cpu", 0)
        least = gpu // DEVICE if gpu % DEVICE == 0 else 0
        for cards in shelves.irange(least):  # type: ignore[attr-defined]
            shelf = shelves[cards]
            for _, name in shelf.irange((cpu, "")):
                room = self._rooms[name]
                if fits(request, room.free):
                    devices = room.choose_devices(gpu)
                    if devices is not None:
                        return room, devices
        return None

    def _shelve(self, room: Room) -> None:
        cards, cpu, name = room.shelf()
        shelves = self._shelves.get(room.node.cluster)
        if shelves is None:
            shelves = self._shelves[room.node.cluster] = SortedDict()
        shelf = shelves.get(cards)
        if shelf is None:
            shelf = shelves[cards] = SortedList()
        shelf.add((cpu, name))

    def _unshelve(self, room: Room) -> None:
        cards, cpu, name = room.shelf()
        shelves = self._shelves[room.node.cluster]
        shelf = shelves[cards]
        shelf.remove((cpu, name))
        if not shelf:
            del shelves[cards]

    def move(self, room: Room, request: Resources, devices: tuple[int, ...], *, give: bool) -> None:
        """Take a task's part of a room, or give it back, and find the node its new place."""
        self._unshelve(room)
        if give:
            room.give(request, devices)
        else:
            room.take(request, devices)
        self._shelve(room)

    def _forget_shapes(self) -> None:
        self._cannot.clear()
        self._can.clear()


class Trial:
    """Placements that are tried on the rooms and taken back at the end."""

    def __init__(self, rooms: Rooms) -> None:
        """Nothing is taken yet."""
        self._rooms = rooms
        self._taken: list[tuple[Room, Resources, tuple[int, ...]]] = []

    def place(
        self, cluster: str, request: Resources, tasks: int
    ) -> tuple[TaskPlacement, ...] | None:
        """Take room for all tasks of a gang, or for none."""
        mark = len(self._taken)
        placed: list[TaskPlacement] = []
        for _ in range(tasks):
            found = self._rooms.find(cluster, request)
            if found is None:
                self.undo(mark)
                return None
            room, devices = found
            self._rooms.move(room, request, devices, give=False)
            self._taken.append((room, request, devices))
            placed.append(TaskPlacement(room.node.name, devices))
        return tuple(placed)

    def undo(self, mark: int) -> None:
        """Give back what was taken after `mark` placements."""
        while len(self._taken) > mark:
            room, request, devices = self._taken.pop()
            self._rooms.move(room, request, devices, give=True)
