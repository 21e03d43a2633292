"""What the log is told of a snapshot: all of it now and then, else only what moved. Pure.

A change is one from the last whole one, so that two facts make a document, whatever lies between
them. It grows with all that moved since; when that has cost more than another whole one would have,
the next one is whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evenflow.common.domain.clock import HOUR, Instant
from evenflow.common.domain.usage.content import UsageContent, pack_content
from evenflow.usage_aggregator.core.groups import Table
from evenflow.usage_aggregator.core.snapshot import SnapshotSums, TakenSnapshot

WHOLE_US: Final = HOUR
"""At the latest after this long a snapshot is told whole, so that none hangs on an old fact."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one fact says: packed content, and the place of the whole one that it changes, or 0."""

    content: str
    whole_at: int


@dataclass(slots=True)
class Telling:
    """Knows what the log was told by this leader; a new one begins with a whole snapshot."""

    _whole: TakenSnapshot | None = None
    _whole_at: int = 0
    _whole_size: int = 0
    _least: int = 0  # size of the smallest change of the whole one
    _excess: int = 0  # what changes of it cost above that, summed
    _last: TakenSnapshot | None = None

    def may_be_left_out(self, taken: TakenSnapshot, unchanged_us: Instant) -> bool:
        """Whether nothing but decay moved since the last one, which is not old yet."""
        last = self._last
        if last is None or taken.generated_at - last.generated_at >= unchanged_us:
            return False
        return _is_same(last.sums, taken.sums)

    def of(self, taken: TakenSnapshot) -> Told:
        """Return what to tell of a snapshot."""
        if self._whole is None or not self._may_change(self._whole, taken):
            return Told(_packed(taken.sums), 0)
        return Told(_packed_change(self._whole.sums, taken.sums), self._whole_at)

    def told(self, taken: TakenSnapshot, told: Told, at: int) -> None:
        """Note that the log holds it, at this sequence."""
        self._last = taken
        size = len(told.content)
        if not told.whole_at:
            self._whole, self._whole_at, self._whole_size = taken, at, size
            self._least, self._excess = 0, 0
            return
        self._least = min(self._least or size, size)
        self._excess += size - self._least

    def _may_change(self, whole: TakenSnapshot, taken: TakenSnapshot) -> bool:
        return (
            self._excess <= self._whole_size
            and 0 <= taken.generated_at - whole.generated_at < WHOLE_US
            and whole.sums.resources == taken.sums.resources
        )


def _is_same(before: SnapshotSums, now: SnapshotSums) -> bool:
    return (
        before.resources == now.resources
        and all(before.head[name] == now.head[name] for name in ("capacity", "capacity_unknown"))
        and all(
            before.tables[name].names == table.names
            and all(
                np.array_equal(before.tables[name].columns[r], c) for r, c in table.columns.items()
            )
            for name, table in now.tables.items()
        )
    )


def _packed(sums: SnapshotSums) -> str:
    return pack_content(_content(sums, {name: _rows(t) for name, t in sums.tables.items()}))


def _packed_change(whole: SnapshotSums, now: SnapshotSums) -> str:
    groups: dict[str, Mapping[str, Sequence[float]]] = {}
    gone: dict[str, list[str]] = {}
    for name, table in now.tables.items():
        before = whole.tables[name]
        groups[name] = _rows(table, _moved(before, table))
        if before.names != table.names:
            present = set(table.names)
            if missing := [each for each in before.names if each not in present]:
                gone[name] = missing
    return pack_content(_content(now, groups), gone)


def _content(
    sums: SnapshotSums, groups: Mapping[str, Mapping[str, Sequence[float]]]
) -> UsageContent:
    return UsageContent(sums.head, sums.scale, sums.held, sums.resources, groups)


def _moved(before: Table, now: Table) -> list[int]:
    """Return the rows of `now` that are not the same in `before`."""
    if before.names == now.names:
        moved = np.zeros(len(now.names), dtype=np.bool_)
        for resource, column in now.columns.items():
            moved |= column != before.columns[resource]
        return [int(row) for row in np.flatnonzero(moved)]
    known, present = _rows(before), _rows(now)
    return [row for row, name in enumerate(now.names) if known.get(name) != present[name]]


def _rows(table: Table, some: Sequence[int] | None = None) -> dict[str, list[float]]:
    columns = [column.tolist() for column in table.columns.values()]
    places = range(len(table.names)) if some is None else some
    return {table.names[row]: [column[row] for column in columns] for row in places}
