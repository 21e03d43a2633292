"""Jobs in order that leave mostly from the front."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice

from sortedcontainers import SortedList

from evenflow.common.domain.plugins.policy import JobKey

FEW = 2_000  # a plain list moves all behind a place; beyond it that place is at the ends, or worse
_SLACK = 64


class SortedQueue:
    """Keys in ascending order, all different. As `fifo` uses it, it is a list with a start.

    Who comes into the middle of many, or leaves it, turns it into a `SortedList`.
    """

    __slots__ = ("_keys", "_start", "_tree")

    def __init__(self) -> None:
        """Nobody waits."""
        self._keys: list[JobKey] = []
        self._start = 0  # of what is still here
        self._tree: SortedList[JobKey] | None = None

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._keys) - self._start if self._tree is None else len(self._tree)

    def __getitem__(self, at: int) -> JobKey:
        """Return the key at a place, from 0."""
        if self._tree is not None:
            found: JobKey = self._tree[at]
            return found
        if not 0 <= at < len(self._keys) - self._start:
            raise IndexError(at)
        return self._keys[self._start + at]

    def __iter__(self) -> Iterator[JobKey]:
        """Yield the keys, first to last."""
        return islice(self._keys, self._start, None) if self._tree is None else iter(self._tree)

    def first(self) -> JobKey:
        """Return the first key; there must be one."""
        return self._keys[self._start] if self._tree is None else self._tree[0]

    def add(self, key: JobKey) -> bool:
        """Let one more wait; whether it is the first now."""
        if self._tree is not None:
            self._tree.add(key)
            return self._tree[0] is key
        keys = self._keys
        if not keys or key > keys[-1]:
            keys.append(key)
            return len(keys) - self._start == 1
        if len(keys) > FEW:
            self._plant()
            return self.add(key)
        insort(keys, key, self._start)
        return keys[self._start] is key

    def pop_first(self) -> bool:
        """Let the first wait no more; whether anybody is left."""
        if self._tree is not None:
            del self._tree[0]
            return len(self._tree) > 0
        self._start = start = self._start + 1
        waiting = len(self._keys)
        if start > _SLACK and 2 * start > waiting:
            del self._keys[:start]
            self._start = 0
        return waiting > start

    def remove(self, key: JobKey) -> None:
        """Let one wait no more, who is here."""
        if self._tree is None and len(self._keys) > FEW and key != self._keys[-1]:
            self._plant()
        if self._tree is not None:
            self._tree.remove(key)
        else:
            del self._keys[bisect_left(self._keys, key, self._start)]

    def before(self, key: JobKey) -> int:
        """Return how many go before a key."""
        if self._tree is not None:
            return int(self._tree.bisect_left(key))
        return bisect_left(self._keys, key, self._start) - self._start

    def _plant(self) -> None:
        self._tree = SortedList(self)
        self._keys, self._start = [], 0
