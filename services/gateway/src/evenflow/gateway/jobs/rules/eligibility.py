"""Which nodes are eligible by the constraints of a job, and what is missing when none is. Pure."""

from collections.abc import Iterable, Sequence

from evenflow.common.domain.jobs.constraints import NODE_LEVEL, Constraints
from evenflow.common.domain.nodes.node import Node, Taint

_FEW = 5


def selects(constraints: Constraints, node: Node) -> bool:
    """Whether the node has every label that the job asks for."""
    return all(_has(node, label, values) for label, values in constraints.selector.items())


def is_tolerated(constraints: Constraints, node: Node) -> bool:
    """Whether the job tolerates all taints of the node."""
    return not node.taints or all(_tolerates(constraints, taint) for taint in node.taints)


def domain_of(node: Node, level: str) -> str:
    """Return the domain of a level that the node is in; one of its own without that label."""
    value = None if level == NODE_LEVEL else node.labels.get(level)
    return f"of {node.name}" if value is None else f"in {value}"


def why_none_is_eligible(constraints: Constraints, nodes: Iterable[Node]) -> str:
    """Return why the job may go to none of these nodes."""
    chosen = list(nodes)
    for label, values in sorted(constraints.selector.items()):
        if not any(_has(node, label, values) for node in chosen):
            return _no_such_label(label, values, chosen)
    chosen = [node for node in chosen if selects(constraints, node)]
    if not chosen:
        labels = ", ".join(
            _label_text(each, of) for each, of in sorted(constraints.selector.items())
        )
        return f"no node has all of {labels}"
    first = min(chosen, key=lambda node: node.name)
    taint = next(each for each in first.taints if not _tolerates(constraints, each))
    return (
        "no node without a taint that it does not tolerate has what it selects: "
        f"{first.name} is tainted {taint.key}" + (f"={taint.value}" if taint.value else "")
    )


def _has(node: Node, label: str, values: Sequence[str]) -> bool:
    value = node.labels.get(label)
    return value is not None and (not values or value in values)


def _tolerates(constraints: Constraints, taint: Taint) -> bool:
    return any(
        each.key == taint.key and each.value in (None, taint.value)
        for each in constraints.tolerations
    )


def _no_such_label(label: str, values: Sequence[str], nodes: Sequence[Node]) -> str:
    there = sorted({node.labels[label] for node in nodes if label in node.labels})
    if not there:
        return f"no node has the label {_label_text(label, values)}"
    shown = ", ".join(there[:_FEW]) + (" and others" if len(there) > _FEW else "")
    return f"no node has the label {_label_text(label, values)}; there are {shown}"


def _label_text(label: str, values: Sequence[str]) -> str:
    return f"{label}={'|'.join(values)}" if values else label
