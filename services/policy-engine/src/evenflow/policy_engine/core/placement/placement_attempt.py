"""One attempt to place tasks of one job: what it has taken so far, and how to undo that."""

from heapq import heappop, heappush

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.candidates import Candidates
from evenflow.policy_engine.core.placement.nodes.node_set import NodeSet
from evenflow.policy_engine.core.placement.nodes.node_traits import domain_of
from evenflow.policy_engine.core.placement.nodes.request import Request
from evenflow.policy_engine.core.placement.nodes.room import Entry, Room
from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.room_index import RoomIndex

Taken = tuple[Room, Request, tuple[int, ...]]


class PlacementAttempt:
    """Takes room task by task. `close` must follow, whatever came of it."""

    __slots__ = ("_aside", "_domains", "room_index", "shape", "taken")

    def __init__(self, room_index: RoomIndex, shape: Shape) -> None:
        """Nothing is taken."""
        self.room_index = room_index
        self.shape = shape
        self.taken: list[Taken] = []
        self._domains: dict[str, int] = {}  # where own tasks are, when they stay apart
        self._aside: list[tuple[Candidates, list[Entry], Entry]] = []

    def count_held(self, room: Room) -> None:
        """Take note of a task that the job has already."""
        if self.shape.anti_level is not None:
            domain = domain_of(room.node, self.shape.anti_level)
            self._domains[domain] = self._domains.get(domain, 0) + 1

    def may_use(self, ask: Ask, room: Room) -> bool:
        """Whether a task fits the room, and none of the job's own is too near."""
        level = self.shape.anti_level
        return ask.fits(room) and (
            level is None or domain_of(room.node, level) not in self._domains
        )

    def best(self, ask: Ask, node_set: NodeSet) -> Room | None:
        """Return the best room for a task among these nodes."""
        candidates = node_set.of(ask)
        room = candidates.best()
        level = self.shape.anti_level
        if level is not None:
            while room is not None and domain_of(room.node, level) in self._domains:
                heap = candidates.heap
                self._aside.append((candidates, heap, heappop(heap)))
                room = candidates.best()
        return room

    def take(self, ask: Ask, room: Room) -> None:
        """Give the room to a task that fits."""
        request = ask.request
        devices = room.choose_devices(request)
        self.room_index.hold(room, request, devices)
        self.taken.append((room, request, devices))
        if self.shape.anti_key is not None:
            self.room_index.count_key(self.shape.anti_key, room.name, 1)
        self.count_held(room)

    def undo(self) -> None:
        """Give everything back."""
        level, key = self.shape.anti_level, self.shape.anti_key
        while self.taken:
            room, request, devices = self.taken.pop()
            self.room_index.hold(room, request, devices, -1)
            if key is not None:
                self.room_index.count_key(key, room.name, -1)
            if level is not None:
                domain = domain_of(room.node, level)
                self._domains[domain] -= 1
                if not self._domains[domain]:
                    del self._domains[domain]
        self.close()

    def close(self) -> None:
        """Make candidates again of those that were set aside."""
        for candidates, heap, entry in self._aside:
            if candidates.heap is heap and entry[2] == entry[3].version:
                heappush(heap, entry)
        self._aside.clear()

    def price(self, tasks: int) -> int:
        """Return what the nodes of the first tasks cost together."""
        return sum([room.price for room, _, _ in self.taken[:tasks]])

    def placement(self) -> tuple[TaskPlacement, ...]:
        """Return where the tasks went, in their order."""
        return tuple([TaskPlacement(room.name, devices) for room, _, devices in self.taken])
