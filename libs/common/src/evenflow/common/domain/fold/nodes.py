"""What facts about nodes do to the state: observed, cordoned, labelled, tainted."""

from collections.abc import Mapping

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cluster, nodes
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.nodes.labels import MAX_LABELS, broken_labels
from evenflow.common.domain.state.node_overrides import (
    drop_node,
    override_labels,
    override_taints,
    put_node,
)

TOO_MANY = f"operators may give a node {MAX_LABELS} labels and as many taints"


def fold_observed(folded: Folded, _: Entry, fact: cluster.Observed) -> Void | None:
    """Take nodes as their cluster reports them; a node stays with the cluster it came from."""
    state = folded.state
    for node in fact.nodes:
        owner = state.nodes.get(node.name)
        if owner is not None and owner.cluster != fact.cluster:
            folded.void(node.name, f"the node belongs to cluster {owner.cluster}")
        else:
            put_node(state, node)
            folded.nodes.add(node.name)
    for name in fact.gone:
        known = state.nodes.get(name)
        if known is not None and known.cluster == fact.cluster:
            drop_node(state, name)
            state.resting.pop(name, None)
            folded.nodes.add(name)
    return None


def fold_cordoned(folded: Folded, _: Entry, fact: nodes.Cordoned) -> Void | None:
    """Let nodes take no new work."""
    for name in fact.nodes:
        folded.state.cordoned.add(name)
        folded.nodes.add(name)
    return None


def fold_uncordoned(folded: Folded, _: Entry, fact: nodes.Uncordoned) -> Void | None:
    """Let nodes take new work again."""
    for name in fact.nodes:
        folded.state.cordoned.discard(name)
        folded.nodes.add(name)
    return None


def fold_labels(folded: Folded, _: Entry, fact: nodes.Labelled) -> Void | None:
    """Change labels of nodes; of nodes that are not known, for when they come."""
    state = folded.state
    for change in fact.nodes:
        if _is_sound(folded, change.node, change.labels, state.node_labels):
            override_labels(state, change.node, change.labels, change.removed)
            folded.nodes.add(change.node)
    return None


def fold_taints(folded: Folded, _: Entry, fact: nodes.Tainted) -> Void | None:
    """Change taints of nodes; of nodes that are not known, for when they come."""
    state = folded.state
    for change in fact.nodes:
        if _is_sound(folded, change.node, change.taints, state.node_taints):
            override_taints(state, change.node, change.taints, change.removed)
            folded.nodes.add(change.node)
    return None


def _is_sound(
    folded: Folded,
    node: str,
    given: Mapping[str, str],
    known: Mapping[str, Mapping[str, str | None]],
) -> bool:
    broken = next(broken_labels(dict(given), "labels"), None)
    if broken is not None:
        folded.void(node, str(broken))
        return False
    if len(given.keys() | known.get(node, {}).keys()) > MAX_LABELS:
        folded.void(node, TOO_MANY)
        return False
    return True
