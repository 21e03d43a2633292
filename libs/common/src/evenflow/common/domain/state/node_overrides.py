"""What operators say of a node over what its cluster says; `state.nodes` shows both together.

An override stays when the cluster tells of the node anew, and when the node goes and comes back.
"""

from collections.abc import Mapping
from dataclasses import replace

from evenflow.common.domain.nodes.node import Node, Taint
from evenflow.common.domain.state.shard_state import ShardState

Override = Mapping[str, str | None]
"""Name to value; None hides what the cluster says of that name."""


def put_node(state: ShardState, node: Node) -> None:
    """Take a node as its cluster says it is, and show it with what operators say."""
    state.observed[node.name] = node
    labels, taints = state.node_labels.get(node.name), state.node_taints.get(node.name)
    state.nodes[node.name] = _effective(node, labels or {}, taints or {})


def drop_node(state: ShardState, name: str) -> None:
    """Let a node be gone; what operators said of it waits for its return."""
    del state.observed[name]
    del state.nodes[name]


def override_labels(
    state: ShardState, name: str, labels: Mapping[str, str], removed: tuple[str, ...]
) -> None:
    """Set labels of a node and take others away."""
    node = state.observed.get(name)
    observed = () if node is None else tuple(node.labels)
    _override(state.node_labels, name, labels, removed, observed)
    if node is not None:
        put_node(state, node)


def override_taints(
    state: ShardState, name: str, taints: Mapping[str, str], removed: tuple[str, ...]
) -> None:
    """Set taints of a node by key and take others away."""
    node = state.observed.get(name)
    observed = () if node is None else tuple(taint.key for taint in node.taints)
    _override(state.node_taints, name, taints, removed, observed)
    if node is not None:
        put_node(state, node)


def _override(
    table: dict[str, dict[str, str | None]],
    node: str,
    given: Mapping[str, str],
    removed: tuple[str, ...],
    observed: tuple[str, ...],
) -> None:
    row = table.setdefault(node, {})
    row.update(given)
    for name in removed:
        if name in observed:
            row[name] = None
        else:
            row.pop(name, None)  # nothing to hide: nothing to remember
    if not row:
        del table[node]


def _effective(node: Node, labels: Override, taints: Override) -> Node:
    if not labels and not taints:
        return node
    shown = {name: value for name, value in {**node.labels, **labels}.items() if value is not None}
    kept = [taint for taint in node.taints if taint.key not in taints]
    kept += [Taint(key, value) for key, value in sorted(taints.items()) if value is not None]
    return replace(node, labels=shown, taints=tuple(kept))
