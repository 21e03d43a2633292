"""The clusters of one kind of executor, and the shapes that wait for room in them."""

from collections.abc import Iterator, Mapping, Sequence

from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.scope import Cluster, Scope
from evenflow.policy_engine.core.placement.nodes.shape import Shape


class Kind:
    """Clusters by name, and asks of blocked shapes by the GPUs they need."""

    __slots__ = ("_largest", "_watched", "clusters", "lone", "name")

    def __init__(self, name: str) -> None:
        """No cluster is known."""
        self.name = name
        self.clusters: dict[str, Cluster] = {}
        self.lone: Cluster | None = None  # the cluster, when there is exactly one
        self._watched: dict[int, dict[Ask, None]] = {}
        self._largest: Mapping[str, int] | None = None

    def enter(self, room: Room) -> None:
        """Take in a node."""
        name = room.node.cluster
        cluster = self.clusters.get(name)
        if cluster is None:
            cluster = self.clusters[name] = Cluster(name)
        cluster.enter(room)
        self._note_nodes()

    def leave(self, room: Room) -> None:
        """Let a node go, and its cluster with the last one."""
        room.cluster.leave(room)
        if not room.cluster.rooms:
            del self.clusters[room.cluster.name]
        self._note_nodes()

    def largest(self) -> Mapping[str, int]:
        """Return the capacity of the node with most GPUs, then most CPU; empty without nodes."""
        if self._largest is None:
            capacities = [
                (room.node.capacity.get("gpu", 0), room.node.capacity.get("cpu", 0), room.name)
                for cluster in self.clusters.values()
                for room in cluster.rooms.values()
            ]
            _, _, name = max(capacities, default=(0, 0, ""))
            self._largest = next(
                (c.rooms[name].node.capacity for c in self.clusters.values() if name in c.rooms), {}
            )
        return self._largest

    def block(self, shape: Shape) -> None:
        """Let a shape wait until a node comes free on which one of its tasks fits."""
        shape.is_blocked = True
        for ask in shape.asks:
            ask.blocked[shape] = None
            self._watched.setdefault(ask.request.gpu, {})[ask] = None
            for cluster in self.clusters.values():
                cluster.of(ask).dry_out()

    def unblock(self, shape: Shape) -> None:
        """Let it be tried again."""
        shape.is_blocked = False
        for ask in shape.asks:
            ask.blocked.pop(shape, None)
            if not ask.blocked:
                self._unwatch(ask)

    def wake(self, shape: Shape) -> None:
        """Let the candidates of a shape follow from here on, whoever else waits for them."""
        for ask in shape.asks:
            for scope in self._scopes(ask):
                scope.of(ask).wake(scope.end)

    def came_free(self, rooms: Sequence[Room], entries: int) -> list[Shape]:
        """Return the blocked shapes of which a task fits one of these rooms now.

        The rooms have changed just now, with at most `entries` entries in the log of a cluster.
        """
        woken: dict[Ask, None] = {}
        for room in rooms:
            gpu = room.gpu
            for need, asks in self._watched.items():
                if need <= gpu or not need:
                    for ask in asks:
                        if ask.fits(room):
                            woken[ask] = None
        if not woken:
            return []
        shapes: dict[Shape, None] = {}
        for ask in woken:
            shapes.update(ask.blocked)
            for scope in self._scopes(ask):
                scope.of(ask).wake(scope.end - entries)
        for shape in shapes:
            self.unblock(shape)
        return list(shapes)

    def _unwatch(self, ask: Ask) -> None:
        asks = self._watched[ask.request.gpu]
        del asks[ask]
        if not asks:
            del self._watched[ask.request.gpu]
        for scope in self._scopes(ask):
            scope.of(ask).wake(scope.end)

    def _scopes(self, ask: Ask) -> Iterator[Scope]:
        return (cluster for cluster in self.clusters.values() if ask in cluster.candidates)

    def _note_nodes(self) -> None:
        self.lone = next(iter(self.clusters.values())) if len(self.clusters) == 1 else None
        self._largest = None
