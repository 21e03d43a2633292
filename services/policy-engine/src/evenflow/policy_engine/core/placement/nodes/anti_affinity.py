"""Anti-affinity between jobs: which domains the tasks of a key have taken."""

from evenflow.policy_engine.core.placement.nodes.node_traits import domain_of
from evenflow.policy_engine.core.placement.nodes.room import Room


class OccupiedDomains:
    """The domains of one level that tasks with one key are in, with their number there."""

    __slots__ = ("key", "level", "tasks")

    def __init__(self, key: str, level: str) -> None:
        """Nothing is taken."""
        self.key = key
        self.level = level
        self.tasks: dict[str, int] = {}

    def is_free(self, room: Room) -> bool:
        """Whether no task with the key is in the room's domain."""
        return domain_of(room.node, self.level) not in self.tasks

    def add(self, room: Room, count: int) -> str | None:
        """Count tasks on a node; return its domain if that came free."""
        domain = domain_of(room.node, self.level)
        rest = self.tasks.get(domain, 0) + count
        if rest:
            self.tasks[domain] = rest
            return None
        return domain if self.tasks.pop(domain, 0) else None


class AntiAffinityIndex:
    """The tasks of every key, by node, and the levels at which somebody asks for them.

    Tasks on nodes that are not here are remembered, and count again when the node is back.
    """

    def __init__(self) -> None:
        """No task has a key."""
        self._on_node: dict[str, dict[str, int]] = {}  # node to key to tasks
        self._nodes: dict[str, dict[str, int]] = {}  # key to node to tasks
        self._views: dict[str, dict[str, OccupiedDomains]] = {}  # key to level
        self._domains: dict[str, dict[str, dict[str, Room]]] = {}  # level to domain to rooms

    def view(self, key: str, level: str, rooms: dict[str, Room]) -> OccupiedDomains:
        """Return what is taken at a level, from now on kept up to date."""
        views = self._views.setdefault(key, {})
        found = views.get(level)
        if found is None:
            found = views[level] = OccupiedDomains(key, level)
            for name, tasks in self._nodes.get(key, {}).items():
                if name in rooms:
                    found.add(rooms[name], tasks)
            if level not in self._domains:
                self._domains[level] = {}
                for room in rooms.values():
                    self._shelve(level, room)
        return found

    def keep_only(self, used: list[OccupiedDomains]) -> None:
        """Forget views that nobody asks for any more."""
        self._views = {}
        for each in used:
            self._views.setdefault(each.key, {})[each.level] = each
        levels = {each.level: None for each in used}
        self._domains = {level: d for level, d in self._domains.items() if level in levels}

    def count(self, key: str, node: str, room: Room | None, sign: int) -> list[Room]:
        """Count a task of the key on a node; return rooms of domains that came free."""
        _add(self._on_node, node, key, sign)
        _add(self._nodes, key, node, sign)
        return self._note(key, room, sign) if room is not None else []

    def enter(self, room: Room) -> None:
        """Count what is known of a node that appears."""
        for level in self._domains:
            self._shelve(level, room)
        for key, tasks in self._on_node.get(room.name, {}).items():
            self._note(key, room, tasks)

    def leave(self, room: Room) -> list[Room]:
        """Leave out a node; return rooms of domains that came free by that."""
        for level, domains in self._domains.items():
            domain = domain_of(room.node, level)
            del domains[domain][room.name]
            if not domains[domain]:
                del domains[domain]
        freed: list[Room] = []
        for key, tasks in self._on_node.get(room.name, {}).items():
            freed += self._note(key, room, -tasks)
        return freed

    def _note(self, key: str, room: Room, count: int) -> list[Room]:
        freed: list[Room] = []
        for level, occupied in self._views.get(key, {}).items():
            domain = occupied.add(room, count)
            if domain is not None:
                freed += self._domains[level].get(domain, {}).values()
        return freed

    def _shelve(self, level: str, room: Room) -> None:
        self._domains[level].setdefault(domain_of(room.node, level), {})[room.name] = room


def _add(table: dict[str, dict[str, int]], outer: str, inner: str, count: int) -> None:
    row = table.setdefault(outer, {})
    rest = row.get(inner, 0) + count
    if rest:
        row[inner] = rest
        return
    row.pop(inner, None)
    if not row:
        del table[outer]
