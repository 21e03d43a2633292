"""Which of a job's wishes no node meets, even when nothing else runs: the first that fails."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from evenflow.common.domain.jobs.constraints import Toleration
from evenflow.common.domain.jobs.requests import requests_of
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node, Taint

MOST_VALUES: Final = 5  # that nodes have, and are told
Unmet = Mapping[str, str | int]


def unmet(spec: JobSpec, nodes: Iterable[Node], headroom_milli: int) -> Unmet:
    """Return what no node has, as the detail of a reason; empty: only all of it together.

    Labels are asked for first, then taints, then amounts of the nodes that are left:

    * `label`, `wanted`, and as `known` what nodes have there and how many, most first;
    * `labels`: each is there, but no node has them all;
    * `taint`: the one which is tolerated least, of all nodes with these labels;
    * `short`, `wanted_each`, `largest`: a task wants more of a resource than any such node has;
    * `required_level`: nodes would do, but no domain of it has enough of them.
    """
    known = list(nodes)
    selector = sorted(spec.constraints.selector.items())
    for label, values in selector:
        if not any(_has(node, label, values) for node in known):
            return {"label": label, "wanted": " or ".join(values), "known": _known(known, label)}
    known = [node for node in known if all(_has(node, *wish) for wish in selector)]
    if not known:
        return {"labels": ", ".join(_shown(label, values) for label, values in selector)}
    tolerations = spec.constraints.tolerations
    tolerated = [node for node in known if not _untolerated(node, tolerations)]
    if not tolerated:
        return {
            "taint": _most_often(
                taint for node in known for taint in _untolerated(node, tolerations)
            )
        }
    for request in _different(requests_of(spec, 0, spec.least_tasks)):
        for name, wanted in sorted(request.items()):
            largest = max(_usable(node, name, headroom_milli) for node in tolerated)
            if wanted > largest:
                return {"short": name, "wanted_each": wanted, "largest": largest}
    level = spec.constraints.required_level
    return {} if level is None else {"required_level": level}


def _has(node: Node, label: str, values: Sequence[str]) -> bool:
    return label in node.labels and (not values or node.labels[label] in values)


def _shown(label: str, values: Sequence[str]) -> str:
    return f"{label}={' or '.join(values)}" if values else label


def _known(nodes: Iterable[Node], label: str) -> str:
    counts: dict[str, int] = {}
    for node in nodes:
        if label in node.labels:
            value = node.labels[label]
            counts[value] = counts.get(value, 0) + 1
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    told = ", ".join(f"{value} ({count})" for value, count in most[:MOST_VALUES])
    return told + (f" and {len(most) - MOST_VALUES} more" if len(most) > MOST_VALUES else "")


def _untolerated(node: Node, tolerations: Sequence[Toleration]) -> list[Taint]:
    return [
        taint
        for taint in node.taints
        if not any(
            toleration.key == taint.key and toleration.value in {None, taint.value}
            for toleration in tolerations
        )
    ]


def _most_often(taints: Iterable[Taint]) -> str:
    counts: dict[str, int] = {}
    for taint in taints:
        shown = f"{taint.key}={taint.value}" if taint.value else taint.key
        counts[shown] = counts.get(shown, 0) + 1
    return min(counts, key=lambda shown: (-counts[shown], shown))


def _different(requests: Iterable[Mapping[str, int]]) -> list[Mapping[str, int]]:
    found: list[Mapping[str, int]] = []
    for request in requests:
        if request not in found:
            found.append(request)
    return found


def _usable(node: Node, name: str, headroom_milli: int) -> int:
    capacity = node.capacity.get(name, 0)
    return capacity - capacity * headroom_milli // 1000
