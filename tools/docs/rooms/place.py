"""How far to the right each box of ordered rows stands, so that arrows are short and straight."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tools.docs.rooms.order import Rows

SWEEPS = 400
JOINT = 8
"""How wide a joint is."""
GAP = 18
"""Between two boxes of a row."""
_JOINT_GAP = 9
"""Beside a joint."""
_STRAIGHT = 8
"""How much more a link between two joints pulls than one between two boxes."""
_STRAIGHTENED = 3
"""How often: what moves aside may make room for another."""


def places(rows: Rows, widths: Mapping[str, int], width: int) -> dict[str, int]:
    """Return the middle of each box and joint, from 0 on; within `width`, if that is enough."""
    size = {name: widths.get(name, JOINT) for row in rows.rows for name in row}
    width = max(width, *(math.ceil(_span(row, size)) for row in rows.rows))
    at: dict[str, float] = {}
    for row in rows.rows:
        wanted = [width * (index + 1) / (len(row) + 1) for index in range(len(row))]
        at |= _fit(row, dict(zip(row, wanted, strict=True)), size, width)
    pulls: dict[str, list[tuple[str, int]]] = {name: [] for name in size}
    for upper, lower in rows.links:
        joints = (upper not in widths) + (lower not in widths)
        pull = (1, 2, _STRAIGHT)[joints]
        pulls[upper].append((lower, pull))
        pulls[lower].append((upper, pull))
    for sweep in range(SWEEPS):
        for row in rows.rows if sweep % 2 else rows.rows[::-1]:
            at |= _fit(row, {name: _pulled(name, pulls[name], at) for name in row}, size, width)
    for _ in range(_STRAIGHTENED):
        for course in rows.courses.values():
            _straighten(course[1:-1], rows, at, size)
    left = min(at[name] - size[name] / 2 for name in at)
    return {name: round(middle - left) for name, middle in at.items()}


def _pulled(name: str, pulls: Sequence[tuple[str, int]], at: Mapping[str, float]) -> float:
    total = sum(pull for _, pull in pulls)
    return sum(at[other] * pull for other, pull in pulls) / total if total else at[name]


def _straighten(
    joints: Sequence[str], rows: Rows, at: dict[str, float], size: Mapping[str, int]
) -> None:
    """Put the joints of an arrow below each other if what stands beside them leaves room."""
    if not joints:
        return
    low, high = -math.inf, math.inf
    for joint in joints:
        row = next(row for row in rows.rows if joint in row)
        offsets, index = _offsets(row, size), row.index(joint)
        if index:
            low = max(low, at[row[index - 1]] + offsets[index] - offsets[index - 1])
        if index + 1 < len(row):
            high = min(high, at[row[index + 1]] - offsets[index + 1] + offsets[index])
    if low <= high:
        mean = math.fsum(at[joint] for joint in joints) / len(joints)
        at |= dict.fromkeys(joints, min(max(mean, low), high))


def _fit(
    row: Sequence[str], wanted: Mapping[str, float], size: Mapping[str, int], width: int
) -> dict[str, float]:
    """Return places nearest to the wanted ones (least squares) that keep order and gaps."""
    offsets = _offsets(row, size)
    blocks: list[tuple[float, int]] = []  # the mean of so many that touch
    for name, offset in zip(row, offsets, strict=True):
        mean, count = wanted[name] - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean = (before * many + mean * count) / (many + count)
            count += many
        blocks.append((mean, count))
    low = size[row[0]] / 2
    high = width - size[row[-1]] / 2 - offsets[-1]
    starts = [min(max(mean, low), high) for mean, count in blocks for _ in range(count)]
    return {name: start + offset for name, start, offset in zip(row, starts, offsets, strict=True)}


def _span(row: Sequence[str], size: Mapping[str, int]) -> float:
    return _offsets(row, size)[-1] + (size[row[0]] + size[row[-1]]) / 2


def _offsets(row: Sequence[str], size: Mapping[str, int]) -> list[float]:
    """Return how far each is from the first of the row when all stand close."""
    offsets = [0.0]
    for one, other in pairwise(row):
        gap = _JOINT_GAP if JOINT in {size[one], size[other]} else GAP
        offsets.append(offsets[-1] + (size[one] + size[other]) / 2 + gap)
    return offsets
