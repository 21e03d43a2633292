"""Requests about machines, the clock and the whole system. Pure."""

from typing import Any

from evenflow.client.models.system import LabelChanges, Node, Status
from evenflow.client.requests.call import Call, api_path


def nodes() -> Call[list[Node]]:
    """List the machines."""
    return Call("GET", api_path("nodes"), pick="nodes")


def cordon(name: str, *, is_open: bool) -> Call[Node]:
    """Let a node take no new work, or take it again."""
    return Call("POST", api_path("nodes", name, "uncordon" if is_open else "cordon"))


def change_node(name: str, labels: LabelChanges, taints: LabelChanges) -> Call[Node]:
    """Set labels and taints of a node; None takes one away."""
    given = {"labels": labels, "taints": taints}
    body = {kind: dict(values) for kind, values in given.items() if values}
    return Call("PATCH", api_path("nodes", name), body=body)


def status() -> Call[Status]:
    """Show how the whole system is."""
    return Call("GET", api_path("status"))


def set_clock_rate(rate: int) -> Call[dict[str, Any]]:
    """Let the shard's clock run `rate` times as fast; simulated clusters only."""
    return Call("POST", api_path("clock"), body={"rate": rate})


def oidc_provider() -> Call[dict[str, Any]]:
    """Where a program without a browser signs somebody in; needs no token."""
    return Call("GET", api_path("login", "oidc"))
