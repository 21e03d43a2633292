"""The clusters of one kind: all that one executor looks after."""

from collections.abc import Mapping

from evenflow.policy_engine.core.placement.nodes.node_set import Cluster
from evenflow.policy_engine.core.placement.nodes.room import Room


class ClustersOfKind:
    """Clusters by name."""

    __slots__ = ("_largest", "clusters", "name", "only_cluster")

    def __init__(self, name: str) -> None:
        """No cluster is known."""
        self.name = name
        self.clusters: dict[str, Cluster] = {}
        self.only_cluster: Cluster | None = None  # the cluster, when there is exactly one
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
        cluster = self.clusters[room.node.cluster]
        cluster.leave(room)
        if not cluster.rooms:
            del self.clusters[cluster.name]
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

    def _note_nodes(self) -> None:
        self.only_cluster = next(iter(self.clusters.values())) if len(self.clusters) == 1 else None
        self._largest = None
