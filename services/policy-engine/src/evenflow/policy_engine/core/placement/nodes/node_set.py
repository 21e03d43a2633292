"""Sets of nodes that are searched together: a cluster, or one domain of a topology level in it."""

from collections.abc import Sequence

from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.candidates import Candidates
from evenflow.policy_engine.core.placement.nodes.room import Entry, Room

Values = tuple[str | None, ...]
"""What the labels of some levels say; None: a node without that label."""
LONGEST_LOG = 4096  # entries, or twice the nodes where those are more
MOST_LEVELS = 8  # combinations of levels watched in one cluster
MOST_ENTRIES = 1 << 21  # in all heaps of one set of nodes


class NodeSet:
    """Rooms with the log of their changes, from which heaps of candidates catch up.

    `end` is the number of entries there ever were. `cpu`, `memory`, `gpu`: what is free in sum.
    """

    __slots__ = ("candidates", "cpu", "end", "gpu", "log", "memory", "rooms", "values")

    def __init__(self, values: Values = ()) -> None:
        """No room is here."""
        self.values = values
        self.rooms: dict[str, Room] = {}
        self.candidates: dict[Ask, Candidates] = {}
        self.log: list[Entry] = []
        self.end = 0
        self.cpu = self.memory = self.gpu = 0

    def of(self, ask: Ask) -> Candidates:
        """Return the candidates of an ask here."""
        found = self.candidates.get(ask)
        if found is None:
            found = self.candidates[ask] = Candidates(ask, self)
        return found

    def note(self, room: Room) -> None:
        """Log that a room is no longer what it was."""
        log = self.log
        log.append(room.entry)
        self.end += 1
        if len(log) > LONGEST_LOG and len(log) > 2 * len(self.rooms):
            del log[: len(log) // 2]  # as many as there are rooms are always kept

    def enter(self, room: Room) -> None:
        """Take in a room; its first entry is logged by who puts it here."""
        self.rooms[room.name] = room
        self.add(room, 1)

    def leave(self, room: Room) -> None:
        """Let a room go."""
        del self.rooms[room.name]
        self.add(room, -1)

    def add(self, room: Room, sign: int) -> None:
        """Count what is free in a room."""
        self.cpu += sign * room.cpu
        self.memory += sign * room.memory
        self.gpu += sign * room.gpu

    def rank(self) -> tuple[int, int, int, list[tuple[bool, str]]]:
        """Return what orders domains: least free GPU first, then CPU, then memory; then name."""
        names = [(value is None, value or "") for value in self.values]
        return (self.gpu, self.cpu, self.memory, names)

    def limit_heaps(self) -> None:
        """Forget the heaps that were not used for longest when there are too many entries."""
        kept = [each for each in self.candidates.values() if each.cursor >= 0]
        size = sum(len(each.heap) for each in kept)
        if size > MOST_ENTRIES:
            kept.sort(key=lambda each: each.cursor)  # equal ones: in the order of their making
            for each in kept[: len(kept) // 2]:
                each.forget()


class Cluster(NodeSet):
    """All nodes of one cluster that take work for one kind of executor."""

    __slots__ = ("capacity", "domains", "name")

    def __init__(self, name: str) -> None:
        """No node is here."""
        super().__init__()
        self.name = name
        self.capacity: dict[str, int] = {}
        self.domains: dict[tuple[str, ...], dict[Values, NodeSet]] = {}

    def watch(self, wanted: Sequence[tuple[str, ...]]) -> None:
        """Split the cluster by these levels too, and keep that up to date from now on."""
        missing = [levels for levels in wanted if levels not in self.domains]
        if missing and len(self.domains) + len(missing) > MOST_LEVELS:
            self.domains.clear()
            for room in self.rooms.values():
                room.node_sets = (self,)
            missing = list(wanted)
        for levels in missing:
            self.domains[levels] = {}
            for room in self.rooms.values():
                room.node_sets = (*room.node_sets, self._domain(levels, room))

    def split(self, levels: tuple[str, ...]) -> dict[Values, NodeSet]:
        """Return the domains of levels that are watched, by the values of the nodes' labels."""
        return self.domains[levels]

    def enter(self, room: Room) -> None:
        """See `NodeSet`."""
        super().enter(room)
        for name, amount in room.node.capacity.items():
            self.capacity[name] = self.capacity.get(name, 0) + amount
        room.node_sets = (self, *(self._domain(levels, room) for levels in self.domains))

    def leave(self, room: Room) -> None:
        """See `NodeSet`."""
        super().leave(room)
        for name, amount in room.node.capacity.items():
            self.capacity[name] -= amount
        for levels, domains in self.domains.items():
            node_set = domains[_values(levels, room)]
            node_set.leave(room)
            if not node_set.rooms:
                del domains[node_set.values]

    def _domain(self, levels: tuple[str, ...], room: Room) -> NodeSet:
        values = _values(levels, room)
        node_sets = self.domains[levels]
        node_set = node_sets.get(values)
        if node_set is None:
            node_set = node_sets[values] = NodeSet(values)
        node_set.enter(room)
        return node_set


def _values(levels: tuple[str, ...], room: Room) -> Values:
    return tuple(room.node.labels.get(level) for level in levels)
