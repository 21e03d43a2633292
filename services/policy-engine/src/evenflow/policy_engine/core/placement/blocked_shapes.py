"""Shapes that found no room, and when to try them again: as soon as a node comes free that helps.

Until then they cost nothing, however many jobs have them. A shape of tasks that differ is restless:
its tasks got in each other's way, so any change may help it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.clusters_of_kind import ClustersOfKind
from evenflow.policy_engine.core.placement.nodes.node_set import NodeSet
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.shape import Shape

WaitingByAsk = dict[int, dict[Ask, dict[Shape, None]]]
"""By the GPUs that a task needs, by what it asks for: the shapes that wait for such a node."""


class BlockedShapes:
    """Who waits for which nodes, and who was woken since somebody last asked."""

    def __init__(self, kinds: Mapping[str, ClustersOfKind]) -> None:
        """Nobody waits; `kinds` are followed as they change."""
        self.restless: Final[dict[Shape, None]] = {}
        self._kinds: Final = kinds
        self._waiting: Final[dict[str, WaitingByAsk]] = {}  # by kind
        self._woken: Final[dict[Shape, None]] = {}

    def block(self, shape: Shape) -> None:
        """Let a shape wait until a node comes free on which one of its tasks fits."""
        shape.is_blocked = True
        waiting = self._waiting.setdefault(shape.kind.name, {})
        for ask in shape.asks:
            waiting.setdefault(ask.request.gpu, {}).setdefault(ask, {})[shape] = None
            for cluster in shape.kind.clusters.values():
                cluster.of(ask).fall_asleep()

    def unblock(self, shape: Shape) -> None:
        """Let a shape be tried again, blocked or not, and tell nobody."""
        if shape.is_blocked:
            self._unblock(shape)
            self.restless.pop(shape, None)

    def forget(self, shape: Shape) -> None:
        """A shape is known no longer."""
        self._woken.pop(shape, None)
        self.unblock(shape)

    def woken(self) -> list[Shape]:
        """Return the shapes that are no longer blocked since the last call, by their key."""
        if not self._woken:
            return []
        woken = sorted((s for s in self._woken if not s.is_blocked), key=lambda shape: shape.key)
        self._woken.clear()
        return woken

    def came_free(self, rooms: Iterable[Room], entries: int) -> None:
        """Wake the shapes of which a task fits one of these rooms now, and the restless ones.

        The rooms have changed just now, with at most `entries` entries in the log of a cluster.
        """
        by_kind: dict[str, list[Room]] = {}
        for room in rooms:
            by_kind.setdefault(room.node.kind, []).append(room)
        for name, freed in by_kind.items():
            for shape in self._helped(name, freed, entries):
                self._unblock(shape)
                self._woken[shape] = None
                self.restless.pop(shape, None)
        self.wake_restless()

    def wake_restless(self) -> None:
        """Something changed: wake all that any change may help."""
        if self.restless:
            for shape in self.restless:
                self._unblock(shape)
                self._woken[shape] = None
            self.restless.clear()

    def follow_log(self, shape: Shape) -> None:
        """Let the candidates of a shape follow from here on, whoever else waits for them."""
        for ask in shape.asks:
            for node_set in _node_sets(shape.kind, ask):
                node_set.of(ask).wake(node_set.end)

    def _helped(self, name: str, rooms: Sequence[Room], entries: int) -> dict[Shape, None]:
        helped: dict[Ask, dict[Shape, None]] = {}
        waiting = self._waiting.get(name)
        if waiting:
            for room in rooms:
                gpu = room.gpu
                for need, asks in waiting.items():
                    if need <= gpu or not need:
                        helped.update(each for each in asks.items() if each[0].fits(room))
        found: dict[Shape, None] = {}
        for ask, shapes in helped.items():
            found.update(shapes)
            for node_set in _node_sets(self._kinds[name], ask):
                node_set.of(ask).wake(node_set.end - entries)
        return found

    def _unblock(self, shape: Shape) -> None:
        shape.is_blocked = False
        waiting = self._waiting[shape.kind.name]
        for ask in shape.asks:
            asks = waiting[ask.request.gpu]
            shapes = asks[ask]
            shapes.pop(shape, None)
            if not shapes:
                del asks[ask]
                if not asks:
                    del waiting[ask.request.gpu]
                for node_set in _node_sets(shape.kind, ask):
                    node_set.of(ask).wake(node_set.end)


def _node_sets(kind: ClustersOfKind, ask: Ask) -> Iterator[NodeSet]:
    return (cluster for cluster in kind.clusters.values() if ask in cluster.candidates)
