"""What changed in a cluster since the log last heard of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.facts import cluster
from evenflow.common.domain.nodes.node import Node

MAX_RECORDS: Final = 500  # of one fact
MAX_BYTES: Final = 4_000_000  # about; half of what the broker takes


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
    """Yield the facts that tell a change, each of at most `MAX_RECORDS` and about `MAX_BYTES`.

    None when nothing changed.
    """
    for nodes in _pieces(change.nodes):
        yield cluster.Observed(cluster_name, nodes=nodes)
    for at in range(0, len(change.gone), MAX_RECORDS):
        yield cluster.Observed(cluster_name, gone=change.gone[at : at + MAX_RECORDS])


def _pieces(nodes: Sequence[Node]) -> Iterator[tuple[Node, ...]]:
    """Cut by number and by weight: labels and taints of a node may be long. One is never cut."""
    piece: list[Node] = []
    held = 0
    for node in nodes:
        weight = len(repr(node).encode())
        if piece and (len(piece) == MAX_RECORDS or held + weight > MAX_BYTES):
            yield tuple(piece)
            piece, held = [], 0
        piece.append(node)
        held += weight
    if piece:
        yield tuple(piece)
