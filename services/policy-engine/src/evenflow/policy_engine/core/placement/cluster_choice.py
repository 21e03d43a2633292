"""Which cluster of several a job goes to, when more than one has room (BEY-14)."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from evenflow.policy_engine.core.placement.gang import place_gang
from evenflow.policy_engine.core.placement.nodes.node_set import Cluster
from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.placement_attempt import PlacementAttempt
from evenflow.policy_engine.core.placement.room_index import RoomIndex

LOAD_PARTS: Final = (("cpu", 3), ("memory", 3), ("gpu", 4))  # tenths
PRIORITY_LABEL: Final = "cluster-priority"
WEIGHT_LABEL: Final = "cluster-weight"
_MILLIONTHS: Final = 1_000_000
_WHOLE: Final = re.compile(r"\d{1,9}")


def place_in_some_cluster(
    room_index: RoomIndex, shape: Shape, strategy: str
) -> PlacementAttempt | None:
    """Place the job in the first cluster that holds it: those it names, then by the strategy."""
    clusters = shape.kind.clusters
    named = [clusters[name] for name in shape.clusters if name in clusters]
    others = [clusters[name] for name in sorted(clusters) if name not in shape.clusters]
    for cluster in named:
        if (attempt := _try(room_index, shape, cluster)) is not None:
            return attempt
    if strategy == "cost" and len(others) > 1:
        others = list(_cheapest_first(room_index, shape, others))
    else:
        others.sort(key=lambda cluster: (_dislike(cluster, strategy), cluster.name))
    for cluster in others:
        if (attempt := _try(room_index, shape, cluster)) is not None:
            return attempt
    return None


def load(cluster: Cluster) -> int:
    """Return how much is in use, in ten-millionths: 3 of CPU, 3 of memory, 4 of GPUs."""
    free = {"cpu": cluster.cpu, "memory": cluster.memory, "gpu": cluster.gpu}
    total = 0
    for name, tenths in LOAD_PARTS:
        capacity = cluster.capacity.get(name, 0)
        if capacity > 0:
            total += tenths * ((capacity - free[name]) * _MILLIONTHS // capacity)
    return total


def _try(room_index: RoomIndex, shape: Shape, cluster: Cluster) -> PlacementAttempt | None:
    attempt = PlacementAttempt(room_index, shape)
    is_placed = place_gang(attempt, cluster)
    attempt.close()
    return attempt if is_placed else None


def _dislike(cluster: Cluster, strategy: str) -> tuple[int, ...]:
    if strategy == "load-balance":
        return (load(cluster),)
    if strategy == "best-fit":
        return (cluster.gpu, cluster.cpu, cluster.memory)
    if strategy == "priority":
        return (-_priority(cluster),)
    return ()  # affinity: those it names, the others by name


def _priority(cluster: Cluster) -> int:
    """Return the highest priority times weight that a node of the cluster states; weight is 1."""
    return max(
        _number(room.node.labels.get(PRIORITY_LABEL), 0)
        * _number(room.node.labels.get(WEIGHT_LABEL), 1)
        for room in cluster.rooms.values()
    )


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and _WHOLE.fullmatch(text) else default


def _cheapest_first(
    room_index: RoomIndex, shape: Shape, clusters: Iterable[Cluster]
) -> Iterator[Cluster]:
    """Yield the clusters that hold the job by what the nodes of its first tasks cost together."""
    costs: list[tuple[int, str, Cluster]] = []
    for cluster in clusters:
        attempt = _try(room_index, shape, cluster)
        if attempt is not None:
            costs.append((attempt.price(shape.least), cluster.name, cluster))
            attempt.undo()
    costs.sort(key=lambda cost: cost[:2])
    return (cluster for _, _, cluster in costs)
