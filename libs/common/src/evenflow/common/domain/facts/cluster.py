"""Facts about what a cluster looks like."""

from dataclasses import dataclass

from evenflow.common.domain.nodes.node import Node


@dataclass(frozen=True, slots=True)
class Observed:
    """Nodes of one cluster that are new or changed, and names of those that are gone."""

    cluster: str
    nodes: tuple[Node, ...] = ()
    gone: tuple[str, ...] = ()
