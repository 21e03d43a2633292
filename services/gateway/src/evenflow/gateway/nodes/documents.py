"""What REST says about nodes: the folded state as JSON documents. Pure."""

from collections.abc import Mapping

from typing_extensions import TypedDict

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.values.instants import iso


class NodeDocument(TypedDict):
    """A node, what jobs hold on it, and what is free. `devices` maps GPUs to thousandths in use.

    `labels` and `taints` are those that hold: what operators said, over what the cluster says.
    `executor` is what jobs must name to come here. `resting_until` is when a node gets work again
    that refused to start runs; null: it takes work.
    """

    name: str
    cluster: str
    executor: str
    is_ready: bool
    is_cordoned: bool
    resting_until: str | None
    capacity: Mapping[str, int]
    held: Mapping[str, int]
    free: Mapping[str, int]
    devices: Mapping[int, int]
    labels: Mapping[str, str]
    taints: Mapping[str, str]


class NodeList(TypedDict):
    """Nodes by name."""

    nodes: list[NodeDocument]


def node_document(state: ShardState, name: str, now: Instant) -> NodeDocument:
    """Return a node as a document; raises KeyError when it is not known."""
    node = state.nodes[name]
    held = state.ledger.nodes.get(name)
    used = held.resources if held else {}
    return NodeDocument(
        name=name,
        cluster=node.cluster,
        executor=node.kind,
        is_ready=node.is_ready,
        is_cordoned=name in state.cordoned,
        resting_until=iso(state.resting[name].until) if state.is_resting(name, now) else None,
        capacity=dict(node.capacity),
        held=dict(used),
        free={kind: amount - used.get(kind, 0) for kind, amount in node.capacity.items()},
        devices=dict(held.devices) if held else {},
        labels=dict(node.labels),
        taints={taint.key: taint.value for taint in node.taints},
    )
