"""Sums of a slot of time, and the single samples of the one that the window's edge is in. Pure."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evenflow.common.domain.clock import Instant

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Row:
    """Amounts by the number of their series, as they were, all with one end."""

    ended_at: Instant
    ids: Ints
    amounts: Floats


@dataclass(slots=True)
class Slot:
    """What was used in a slot, as of the ledger's origin."""

    sums: Floats = field(default_factory=lambda: np.zeros(0))
    rows_kept: int = 0  # lie where the ledger's owner keeps them
    pending: list[Row] = field(default_factory=list)  # lie nowhere else yet
    is_changed: bool = False

    def add(self, ids: Ints, amounts: Floats, length: int) -> None:
        """Add amounts, already weighted, to sums of `length` series."""
        self.sums = fitted(self.sums, length)
        # In the order of the arrays, one after the other: the same sum on every machine.
        np.add.at(self.sums, ids, amounts)
        self.is_changed = True


class PartialSlot:
    """The slot that counts partly: for every end in it, the sum of that one and all later ones."""

    def __init__(self, key: int, rows: Iterable[Row]) -> None:
        """Nothing is summed up before somebody asks."""
        self.key = key
        self._rows = list(rows)
        self._ends: list[Instant] = []
        self._from: list[Floats] = []
        self._is_stale = True

    def add(self, row: Row) -> None:
        """Add one that came late."""
        self._rows.append(row)
        self._is_stale = True

    def scale(self, exponent: int) -> None:
        """Multiply all by a power of two."""
        for sums in self._from:
            np.ldexp(sums, exponent, out=sums)

    def since(self, edge: Instant, factor: Callable[[Instant], float], length: int) -> Floats:
        """Return the sum of what ended at `edge` or later, weighted by `factor` of its end."""
        if self._is_stale:
            self._sum_up(factor, length)
        place = bisect_left(self._ends, edge)
        return self._from[place] if place < len(self._ends) else np.zeros(length)

    def _sum_up(self, factor: Callable[[Instant], float], length: int) -> None:
        by_end: dict[Instant, list[Row]] = {}
        for row in self._rows:
            by_end.setdefault(row.ended_at, []).append(row)
        self._ends, self._from = sorted(by_end), []
        sums = np.zeros(length)
        for end in reversed(self._ends):
            for row in by_end[end]:
                np.add.at(sums, row.ids, row.amounts * factor(end))
            self._from.append(sums.copy())
        self._from.reverse()
        self._is_stale = False


def fitted(array: Floats, length: int) -> Floats:
    """Return the array, longer with zeros at its end if it is too short."""
    if len(array) >= length:
        return array
    longer = np.zeros(max(length, len(array) * 2))
    longer[: len(array)] = array
    return longer


def add_to(total: Floats, sums: Floats) -> None:
    """Add sums that may be shorter or longer than the total; what is beyond it is zero."""
    shared = min(len(total), len(sums))
    np.add(total[:shared], sums[:shared], out=total[:shared])
