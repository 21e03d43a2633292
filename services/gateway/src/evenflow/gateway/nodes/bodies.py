"""Bodies of requests about nodes."""

from pydantic import Field

from evenflow.gateway.edge.bodies import Body


class NodePatch(Body):
    """Labels and taints to set, by name; null takes one away. Those not named stay."""

    labels: dict[str, str | None] = Field(default_factory=dict)
    taints: dict[str, str | None] = Field(default_factory=dict)
