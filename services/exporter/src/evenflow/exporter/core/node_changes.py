"""What changed in a cluster since the log last heard of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.facts import cluster
from evenflow.common.domain.nodes.node import Node

MAX_RECORDS: Final = 500  # of one fact


@dataclass(frozen=True, slots=True)
class NodeChanges:
    """Nodes that are new or differ, names that are gone, and names that another cluster owns."""

    nodes: tuple[Node, ...]
    gone: tuple[str, ...]
    foreign: tuple[str, ...]


def compare_nodes(
    cluster_name: str, observed: Iterable[Node], known: Mapping[str, Node]
) -> NodeChanges:
    """Compare what a cluster shows with what the log knows of all clusters.

    The fold voids a node whose name another cluster owns, so such a node is not told at all.
    """
    seen = {node.name: node for node in observed}
    foreign = {name for name in seen if name in known and known[name].cluster != cluster_name}
    changed = (
        node for name, node in seen.items() if name not in foreign and known.get(name) != node
    )
    gone = (
        name for name, node in known.items() if node.cluster == cluster_name and name not in seen
    )
    return NodeChanges(
        tuple(sorted(changed, key=lambda node: node.name)),
        tuple(sorted(gone)),
        tuple(sorted(foreign)),
    )


def facts_of(cluster_name: str, change: NodeChanges) -> Iterator[cluster.Observed]:
    """Yield the facts that tell a change, each of at most `MAX_RECORDS`; none when nothing did."""
    for at in range(0, len(change.nodes), MAX_RECORDS):
        yield cluster.Observed(cluster_name, nodes=change.nodes[at : at + MAX_RECORDS])
    for at in range(0, len(change.gone), MAX_RECORDS):
        yield cluster.Observed(cluster_name, gone=change.gone[at : at + MAX_RECORDS])
