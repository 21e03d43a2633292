"""What of a node never changes while it is there, labels and taints, and who may go there."""

from typing import Final

from evenflow.common.domain.jobs.constraints import NODE_LEVEL, Constraints
from evenflow.common.domain.nodes.node import Node

TerrainKey = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
MatchingKey = tuple[
    tuple[tuple[str, tuple[str, ...]], ...], tuple[tuple[str, str, bool], ...]
]  # fmt: skip
MOST_ANSWERS = 4096  # kept by one terrain
SHUT: Final[TerrainKey] = ((), (("\0shut", ""),))
"""Where nobody may go: no job can bear this taint."""


def domain_of(node: Node, level: str) -> str:
    """Return the domain of a level that the node is in; one of its own without that label."""
    if level == NODE_LEVEL:
        return node.name
    value = node.labels.get(level)
    return f"in {value}" if value is not None else f"alone {node.name}"


class Matching:
    """A selector with tolerations: which terrains will do."""

    __slots__ = ("_selector", "_tolerated", "_values", "key")

    def __init__(self, key: MatchingKey) -> None:
        """Read the key that `matching_key` made."""
        self.key = key
        self._selector = key[0]
        self._tolerated = frozenset(name for name, _, any_value in key[1] if any_value)
        self._values = frozenset(
            (name, value) for name, value, any_value in key[1] if not any_value
        )

    def accepts(self, terrain: "Terrain") -> bool:
        """Whether tasks may go to nodes of this terrain. Worked out once for each terrain."""
        answer = terrain.answers.get(self)
        if answer is None:
            if len(terrain.answers) >= MOST_ANSWERS:
                terrain.answers.clear()
            answer = terrain.answers[self] = self._judge(terrain)
        return answer

    def _judge(self, terrain: "Terrain") -> bool:
        labels = terrain.labels
        return all(
            label in labels and (not values or labels[label] in values)
            for label, values in self._selector
        ) and all(taint[0] in self._tolerated or taint in self._values for taint in terrain.taints)


class Terrain:
    """Labels and taints that nodes have in common."""

    __slots__ = ("answers", "is_tainted", "key", "labels", "nodes", "taints")

    def __init__(self, key: TerrainKey) -> None:
        """No node is there yet."""
        self.key = key
        self.labels = dict(key[0])
        self.taints = key[1]
        self.is_tainted = bool(key[1])
        self.nodes = 0
        self.answers: dict[Matching, bool] = {}


class Terrains:
    """The terrains of all nodes; those of no node are forgotten."""

    def __init__(self) -> None:
        """There are no nodes."""
        self._terrains: dict[TerrainKey, Terrain] = {}

    def enter(self, node: Node) -> Terrain:
        """Return the node's terrain, and count the node."""
        key = (
            tuple(sorted(node.labels.items())),
            tuple(sorted((taint.key, taint.value) for taint in node.taints)),
        )
        terrain = self._terrains.get(key)
        if terrain is None:
            terrain = self._terrains[key] = Terrain(key)
        terrain.nodes += 1
        return terrain

    def leave(self, terrain: Terrain) -> None:
        """Count a node no longer."""
        terrain.nodes -= 1
        if not terrain.nodes:
            del self._terrains[terrain.key]


def matching_key(constraints: Constraints) -> MatchingKey:
    """Return selector and tolerations; equal for equal ones, in whatever order they were given."""
    return (
        tuple(sorted((k, tuple(sorted(v))) for k, v in constraints.selector.items())),
        tuple(sorted((t.key, t.value or "", t.value is None) for t in constraints.tolerations)),
    )
