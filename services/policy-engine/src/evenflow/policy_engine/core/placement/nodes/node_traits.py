"""What of a node never changes while it is there, labels and taints, and who may go there."""

from typing import Final

from evenflow.common.domain.jobs.constraints import NODE_LEVEL, Constraints
from evenflow.common.domain.nodes.node import Node

TraitsKey = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
FilterKey = tuple[
    tuple[tuple[str, tuple[str, ...]], ...], tuple[tuple[str, str, bool], ...]
]  # fmt: skip
MOST_ANSWERS = 4096  # kept with the traits of a node
UNSCHEDULABLE: Final[TraitsKey] = ((), (("\0shut", ""),))
"""Where nobody may go: no job tolerates this taint."""


def domain_of(node: Node, level: str) -> str:
    """Return the domain of a level that the node is in; one of its own without that label."""
    if level == NODE_LEVEL:
        return node.name
    value = node.labels.get(level)
    return f"in {value}" if value is not None else f"alone {node.name}"


class NodeFilter:
    """A selector with tolerations: which nodes will do."""

    __slots__ = ("_selector", "_tolerated", "_values", "key")

    def __init__(self, key: FilterKey) -> None:
        """Read the key that `filter_key` made."""
        self.key = key
        self._selector = key[0]
        self._tolerated = frozenset(name for name, _, any_value in key[1] if any_value)
        self._values = frozenset(
            (name, value) for name, value, any_value in key[1] if not any_value
        )

    def accepts(self, traits: "NodeTraits") -> bool:
        """Whether tasks may go to nodes with these traits. Worked out once for them all."""
        answer = traits.answers.get(self)
        if answer is None:
            if len(traits.answers) >= MOST_ANSWERS:
                traits.answers.clear()
            answer = traits.answers[self] = self._judge(traits)
        return answer

    def _judge(self, traits: "NodeTraits") -> bool:
        labels = traits.labels
        return all(
            label in labels and (not values or labels[label] in values)
            for label, values in self._selector
        ) and all(taint[0] in self._tolerated or taint in self._values for taint in traits.taints)


class NodeTraits:
    """Labels and taints, shared by all nodes with the same."""

    __slots__ = ("answers", "is_tainted", "key", "labels", "nodes", "taints")

    def __init__(self, key: TraitsKey) -> None:
        """No node is there yet."""
        self.key = key
        self.labels = dict(key[0])
        self.taints = key[1]
        self.is_tainted = bool(key[1])
        self.nodes = 0
        self.answers: dict[NodeFilter, bool] = {}


class NodeTraitsTable:
    """The traits of all nodes, once for equal ones; those of no node are forgotten."""

    def __init__(self) -> None:
        """There are no nodes."""
        self._traits_table: dict[TraitsKey, NodeTraits] = {}

    def enter(self, node: Node) -> NodeTraits:
        """Return the node's traits, and count the node."""
        key = (
            tuple(sorted(node.labels.items())),
            tuple(sorted((taint.key, taint.value) for taint in node.taints)),
        )
        traits = self._traits_table.get(key)
        if traits is None:
            traits = self._traits_table[key] = NodeTraits(key)
        traits.nodes += 1
        return traits

    def leave(self, traits: NodeTraits) -> None:
        """Count a node no longer."""
        traits.nodes -= 1
        if not traits.nodes:
            del self._traits_table[traits.key]


def filter_key(constraints: Constraints) -> FilterKey:
    """Return selector and tolerations; equal for equal ones, in whatever order they were given."""
    return (
        tuple(sorted((k, tuple(sorted(v))) for k, v in constraints.selector.items())),
        tuple(sorted((t.key, t.value or "", t.value is None) for t in constraints.tolerations)),
    )
