"""Samples of runs by key, the newest alone: no memory of a core grows without bound."""

from collections import OrderedDict
from typing import Final, NamedTuple

Key = tuple[str | int | None, ...]
MOST_KEYS: Final = 50_000


class RunSample(NamedTuple):
    """How long a job ran under which limit; 0 stands for no limit."""

    run_us: int
    limit_us: int


class RunSamples:
    """The last `depth` runs of each key; keys that got none for longest are forgotten first."""

    __slots__ = ("_depth", "_most_keys", "_runs")

    def __init__(self, depth: int, most_keys: int = MOST_KEYS) -> None:
        """Remember nothing yet."""
        self._depth = depth
        self._most_keys = most_keys
        # The key that learned last comes last. A plain dict would look through all the places that
        # were left at its front to find the first key.
        self._runs: OrderedDict[Key, tuple[RunSample, ...]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._runs)

    def of(self, key: Key) -> tuple[RunSample, ...]:
        """Return the runs of a key, newest first."""
        return self._runs.get(key, ())

    def add(self, key: Key, run: RunSample) -> None:
        """Remember a run as the newest of its key."""
        before = self._runs.pop(key, ())
        self._runs[key] = (run, *before[: self._depth - 1])
        if len(self._runs) > self._most_keys:
            self._runs.popitem(last=False)

    def dump(self) -> list[list[str | int | None]]:
        """Return a row a key: how many parts the key has, these, then runs with their limits."""
        return [
            [len(key), *key, *(amount for run in runs for amount in run)]
            for key, runs in self._runs.items()
        ]

    def load(self, rows: list[list[str | int | None]]) -> None:
        """Take the place of all that was remembered."""
        self._runs.clear()
        for length, *rest in rows:
            parts = length if isinstance(length, int) else 0
            amounts = [amount for amount in rest[parts:] if isinstance(amount, int)]
            pairs = zip(amounts[::2], amounts[1::2], strict=True)
            self._runs[tuple(rest[:parts])] = tuple(RunSample(*pair) for pair in pairs)
