"""Divide every resource down a tree of queues: what a queue gets is what its children share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import fsum
from typing import Final

from evenflow.policy_engine.core.division.fair_share import Claim, divide
from evenflow.policy_engine.core.division.kai import UNLIMITED, KaiClaim, divide_kai

_ROUNDING: Final = 1e-12
"""What is no more than this part of the total is left over by arithmetic alone."""


class Mode(StrEnum):
    """How a level is divided."""

    CORRECTED = "corrected"
    KAI = "kai"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a queue is promised and wants of one resource; UNLIMITED may stand for the first two.

    No `request`: a queue with children wants what these want together (in `corrected` no more than
    their limits let them have, or the rest would lie idle below it); any other wants nothing.
    """

    deserved: float = 0.0
    limit: float = UNLIMITED
    request: float | None = None
    weight: float = 1.0
    usage: float = 0.0  # a ratio of the whole cluster, at every level


_NOTHING: Final = Wish()


@dataclass(frozen=True, slots=True)
class TreeQueue:
    """A queue among others; `parent` is the name of one of them, or None at the top."""

    name: str
    parent: str | None = None
    priority: int = 0
    created: int = 0
    wishes: Mapping[str, Wish] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Division:
    """Fair shares by queue and resource, and what the queues at the top left over."""

    shares: Mapping[str, Mapping[str, float]]
    remaining: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Tree:
    levels: Sequence[tuple[str | None, Sequence[TreeQueue]]]  # siblings by parent, parents first


def divide_tree(
    total: Mapping[str, float],
    queues: Sequence[TreeQueue],
    *,
    mode: Mode = Mode.CORRECTED,
    k: float = 1.0,
    unit: float = 0.0,
) -> Division:
    """Divide all resources among all queues; names are unique and parents form no cycle.

    Args:
        total: what there is of each resource.
        queues: the tree, in any order.
        mode: how each level is divided.
        k: how hard usage bends what is divided above the guarantees.
        unit: settle whole units of it, in `corrected`; `kai` has a unit of its own.
    """
    tree = _tree(queues)
    shares: dict[str, dict[str, float]] = {queue.name: {} for queue in queues}
    remaining: dict[str, float] = {}
    for resource, amount in total.items():
        requests = _requests(tree, resource, mode)
        found: dict[str | None, float] = {None: amount}
        for parent, siblings in tree.levels:
            pot = found[parent]
            claims = [_kai_claim(queue, resource, requests) for queue in siblings]
            if mode is Mode.KAI:
                given, left = divide_kai(pot, claims, k)
            else:
                whole = amount / pot if pot > 0.0 else 0.0
                given = divide(pot, [_claim(c, pot, whole) for c in claims], k=k, unit=unit)
                left = _left(pot, given)
            if parent is None:
                remaining[resource] = left
            found.update((queue.name, x) for queue, x in zip(siblings, given, strict=True))
        remaining.setdefault(resource, amount)
        for queue in queues:
            shares[queue.name][resource] = found[queue.name]
    return Division(shares, remaining)


def _tree(queues: Sequence[TreeQueue]) -> _Tree:
    children: dict[str | None, list[TreeQueue]] = {}
    for queue in queues:
        children.setdefault(queue.parent, []).append(queue)
    levels: list[tuple[str | None, Sequence[TreeQueue]]] = []
    parents: list[str | None] = [None]
    for parent in parents:
        if siblings := children.get(parent):
            levels.append((parent, siblings))
            parents.extend(queue.name for queue in siblings)
    return _Tree(levels)


def _requests(tree: _Tree, resource: str, mode: Mode) -> dict[str, float]:
    """What each queue wants, its own word or else its children's."""
    wanted: dict[str, float] = {}
    below: dict[str | None, float] = {}
    for parent, siblings in reversed(tree.levels):
        usable: list[float] = []
        for queue in siblings:
            wish = queue.wishes.get(resource, _NOTHING)
            request = below.get(queue.name, 0.0) if wish.request is None else wish.request
            wanted[queue.name] = request
            is_free = wish.limit == UNLIMITED or mode is Mode.KAI
            usable.append(request if is_free else min(request, wish.limit))
        below[parent] = fsum(usable)
    return wanted


def _kai_claim(queue: TreeQueue, resource: str, requests: Mapping[str, float]) -> KaiClaim:
    wish = queue.wishes.get(resource, _NOTHING)
    return KaiClaim(
        name=queue.name,
        deserved=wish.deserved,
        limit=wish.limit,
        request=requests[queue.name],
        weight=wish.weight,
        usage=wish.usage,
        priority=queue.priority,
        created=queue.created,
    )


def _claim(said: KaiClaim, pot: float, whole: float) -> Claim:
    """The same claim with usage as a ratio of the pot: `whole` is the cluster over the pot."""
    return Claim(
        name=said.name,
        deserved=pot if said.deserved == UNLIMITED else said.deserved,
        ceiling=said.ceiling,
        weight=said.weight,
        usage=said.usage * whole,
        priority=said.priority,
        created=said.created,
    )


def _left(pot: float, given: Sequence[float]) -> float:
    left = pot - fsum(given)
    return left if left > pot * _ROUNDING else 0.0
