"""Who used what, each as a number: the place of its sum in every array. Pure."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Key = tuple[str, str, str, str]
"""Leaf queue, project, user, resource. Capacity is a series too, of no queue and no user."""

CAPACITY: Final = ""
"""The queue of the series that hold what there was."""

_NEVER: Final = -(2**62)


class Series:
    """Keys and their numbers. A number is given again only after it was released."""

    def __init__(self, keys: Iterable[Key | None] = ()) -> None:
        """Begin with keys by number; None where a number is free."""
        self.keys = list(keys)
        self._ids = {key: number for number, key in enumerate(self.keys) if key is not None}
        self._free = [number for number, key in enumerate(self.keys) if key is None]
        self._last_slot = np.full(len(self.keys), _NEVER, dtype=np.int64)
        self.edition = 0
        """Grows when a number changed hands: what was made from the keys is to be made anew."""

    def __len__(self) -> int:
        """Return how long arrays by number are."""
        return len(self.keys)

    def id_of(self, key: Key) -> int:
        """Return the number of a key, giving it one if it has none."""
        number = self._ids.get(key)
        if number is None:
            if self._free:
                number = self._free.pop()
                self.keys[number] = key
                self.edition += 1
            else:
                number = len(self.keys)
                self.keys.append(key)
            self._ids[key] = number
        return number

    def touch(self, numbers: NDArray[np.int64], slot: int) -> None:
        """Note that a slot holds rows of these series."""
        if len(self._last_slot) < len(self.keys):
            longer = np.full(2 * len(self.keys), _NEVER, dtype=np.int64)
            longer[: len(self._last_slot)] = self._last_slot
            self._last_slot = longer
        self._last_slot[numbers] = np.maximum(self._last_slot[numbers], slot)

    def untouched_since(self, slot: int) -> NDArray[np.int64]:
        """Return the numbers of which no slot from `slot` on holds rows."""
        length = len(self.keys)
        last = np.full(length, _NEVER, dtype=np.int64)
        shared = min(length, len(self._last_slot))
        last[:shared] = self._last_slot[:shared]
        return np.flatnonzero(last < slot)

    def release(self, numbers: Iterable[int]) -> None:
        """Forget the keys of these numbers."""
        for number in numbers:
            key = self.keys[number]
            if key is not None:
                del self._ids[key]
                self.keys[number] = None
                if number < len(self._last_slot):
                    self._last_slot[number] = _NEVER
                self._free.append(number)
                self.edition += 1
