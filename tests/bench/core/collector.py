"""The garbage collector as services run it, and what its pauses cost."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from evenflow.common.runtime.process import service


@dataclass(slots=True)
class Pauses:
    """Collections since the last look, by `gc.callbacks`; in seconds."""

    seconds: float = 0.0  # not yet taken
    count: int = 0
    longest: float = 0.0
    _began: float = 0.0

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        """Note that a collection begins or ends."""
        if phase == "start":
            self._began = time.perf_counter()
            return
        taken = time.perf_counter() - self._began
        self.seconds += taken
        self.count += 1
        self.longest = max(self.longest, taken)

    def take(self) -> float:
        """Return the pauses since the last call."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


@contextmanager
def collecting_as_a_service() -> Iterator[Pauses]:
    """Collect as seldom as services do; count the pauses.

    Nothing is frozen, which is harder than life: a service freezes its imports and what it loaded,
    and only jobs that came later are looked at.
    """
    before = gc.get_threshold()
    pauses = Pauses()
    gc.collect()
    gc.set_threshold(*service._COLLECT_AFTER)
    gc.callbacks.append(pauses)
    try:
        yield pauses
    finally:
        gc.callbacks.remove(pauses)
        gc.set_threshold(*before)
