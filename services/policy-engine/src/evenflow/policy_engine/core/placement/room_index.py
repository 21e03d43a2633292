"""All rooms, and the one way to change them. It keeps the indexes true and decides nothing."""

from collections.abc import Iterator, Mapping

from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.state.ledger import NodeHeld
from evenflow.policy_engine.core.placement.nodes.anti_affinity import (
    AntiAffinityIndex,
    OccupiedDomains,
)
from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.clusters_of_kind import ClustersOfKind
from evenflow.policy_engine.core.placement.nodes.node_set import NodeSet
from evenflow.policy_engine.core.placement.nodes.node_traits import NodeTraitsTable
from evenflow.policy_engine.core.placement.nodes.request import Request
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.scores import Score, price_of


class RoomIndex:
    """Rooms by node name, kinds by the name of the executor."""

    def __init__(self, score: Score, headroom_milli: int, price_label: str) -> None:
        """No node is known; `score` is that of the entries which most asks share."""
        self.rooms: dict[str, Room] = {}
        self.kinds: dict[str, ClustersOfKind] = {}
        self.anti_affinity = AntiAffinityIndex()
        self.capacity: dict[str, int] = {}
        self._traits_table = NodeTraitsTable()
        self._score = score
        self._headroom = headroom_milli
        self._price_label = price_label
        self._version = 0

    def kind(self, name: str) -> ClustersOfKind:
        """Return a kind, known or not."""
        found = self.kinds.get(name)
        if found is None:
            found = self.kinds[name] = ClustersOfKind(name)
        return found

    def view(self, key: str, level: str) -> OccupiedDomains:
        """Return which domains the tasks of a key have taken, kept up to date."""
        return self.anti_affinity.view(key, level, self.rooms)

    def node_sets(self) -> Iterator[NodeSet]:
        """Yield every cluster and every domain that is watched."""
        for kind in self.kinds.values():
            for cluster in kind.clusters.values():
                yield cluster
                for domains in cluster.domains.values():
                    yield from domains.values()

    def keep_candidates(self, used: Mapping[Ask, None]) -> None:
        """Forget the candidates of all other asks."""
        for node_set in self.node_sets():
            node_set.candidates = {a: each for a, each in node_set.candidates.items() if a in used}

    def enter(self, node: Node, held: NodeHeld | None) -> Room:
        """Take in a node that is not here."""
        room = Room(node, held, self._headroom, price_of(node.labels, self._price_label))
        room.traits = self._traits_table.enter(node)
        self.rooms[node.name] = room
        self.kind(node.kind).enter(room)
        self.anti_affinity.enter(room)
        for name, amount in node.capacity.items():
            self.capacity[name] = self.capacity.get(name, 0) + amount
        self.touch(room)
        return room

    def leave(self, name: str) -> list[Room]:
        """Let a node go; return rooms on which tasks of some key may go now."""
        room = self.rooms.pop(name)
        self.kind(room.node.kind).leave(room)
        self._traits_table.leave(room.traits)
        room.version = -1  # its entries are no longer true
        for resource, amount in room.node.capacity.items():
            self.capacity[resource] -= amount
        return self._touched(self.anti_affinity.leave(room))

    def touch(self, room: Room) -> None:
        """Make a room a candidate anew, after it changed."""
        self._version += 1
        room.version = self._version
        room.entry = (self._score(room), room.name, self._version, room)
        for node_set in room.node_sets:
            node_set.note(room)

    def hold(self, room: Room, request: Request, devices: tuple[int, ...], sign: int = 1) -> None:
        """Use up a task's part of a room, or get it back."""
        room.hold(request, devices, sign)
        self._version += 1
        room.version = version = self._version
        room.entry = (self._score(room), room.name, version, room)
        cpu, memory, gpu = sign * request.cpu, sign * request.memory, sign * request.gpu
        for node_set in room.node_sets:
            node_set.cpu -= cpu
            node_set.memory -= memory
            node_set.gpu -= gpu
            node_set.note(room)

    def count_key(self, key: str, name: str, sign: int) -> list[Room]:
        """Count a task of a key; return rooms where the next may go, beside those it left."""
        return self._touched(self.anti_affinity.count(key, name, self.rooms.get(name), sign))

    def _touched(self, rooms: list[Room]) -> list[Room]:
        for room in rooms:
            self.touch(room)
        return rooms
