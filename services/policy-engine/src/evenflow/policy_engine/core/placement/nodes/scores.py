"""How much a strategy likes a node: an integer, least first. Equal scores go by node name."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from evenflow.policy_engine.core.placement.nodes.room import Room

Score = Callable[[Room], int]
Scores = Callable[[Sequence[Room]], list[int]]
"""The same for many nodes at once."""
UNPRICED: Final = 1 << 60  # after every price
WIDTH: Final = 192  # bits of a pack score; what comes before it is shifted by as many
CORES_OF_A_GPU: Final = 16  # of a usual node of 8 GPUs
_PRICE: Final = re.compile(r"(\d{1,12})(?:\.(\d{1,12}))?")
_PART: Final = 1_000_000  # shares are counted in millionths


def pack(room: Room) -> int:
    """Prefer the fullest node: fewest whole GPUs free, then least GPU, CPU, memory."""
    # The longer way to write max(x, 0) is the quicker one, and this runs at every change.
    gpu, cpu, memory = room.gpu, room.cpu, room.memory
    score = (room.whole << 48) + (gpu if gpu > 0 else 0)  # noqa: FURB136
    score = (score << 64) + (cpu if cpu > 0 else 0)  # noqa: FURB136
    return (score << 64) + (memory if memory > 0 else 0)  # noqa: FURB136


def spread(room: Room) -> int:
    """Prefer the emptiest node: least dominant share in use, then least of all shares added up."""
    capacity = room.node.capacity
    largest = total = 0
    for name, free in (
        ("cpu", room.cpu),
        ("memory", room.memory),
        ("gpu", room.gpu),
        *room.extra.items(),
    ):
        whole = capacity.get(name, 0)
        if whole > 0:
            share = max(whole - free, 0) * _PART // whole
            total += share
            largest = max(largest, share)
    return (largest << 64) + total


def cheapest(room: Room) -> int:
    """Prefer the node of least price, then the fullest."""
    return (room.price << WIDTH) + pack(room)


def best_fit(room: Room) -> int:
    """Prefer the node with least left of GPUs and CPU together, whatever the memory."""
    return max(room.gpu, 0) * CORES_OF_A_GPU + max(room.cpu, 0)


STATE_SCORES: Final[Mapping[str, Score]] = {
    "pack": pack,
    "spread": spread,
    "best-fit": best_fit,
    "cheapest": cheapest,
}
"""Strategies that look at the node alone."""


def price_of(labels: Mapping[str, str], label: str) -> int:
    """Return the price in thousandths, rounded down; a missing or unreadable one is the highest."""
    match = _PRICE.fullmatch(labels.get(label, "").strip())
    if match is None:
        return UNPRICED
    return int(match.group(1)) * 1000 + int(((match.group(2) or "") + "000")[:3])
