"""What queues held over time, exactly: steps of a staircase, and the areas under it."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from evenflow.common.domain.clock import HOUR, Instant

Step = tuple[Instant, int]
"""An instant, and by how many GPUs a queue holds more from then on."""


@dataclass(slots=True)
class Held:
    """The GPUs that one queue held."""

    _at: list[Instant] = field(default_factory=list)
    _gpus: list[int] = field(default_factory=list)  # from that instant on
    _area: list[int] = field(default_factory=list)  # GPU-microseconds up to that instant

    @classmethod
    def of(cls, steps: Iterable[Step]) -> "Held":
        """Add steps up, in whatever order they come."""
        found, gpus, area, before = cls(), 0, 0, 0
        for at, more in sorted(steps):
            area += gpus * (at - before)
            gpus, before = gpus + more, at
            if found._at and found._at[-1] == at:
                found._gpus[-1] = gpus
            else:
                found._at.append(at)
                found._gpus.append(gpus)
                found._area.append(area)
        return found

    def gpus(self, at: Instant) -> int:
        """Return what was held at an instant."""
        index = bisect_right(self._at, at) - 1
        return self._gpus[index] if index >= 0 else 0

    def gpu_hours(self, begin: Instant, end: Instant) -> float:
        """Return what was held in a time, in GPU-hours."""
        return (self._until(end) - self._until(begin)) / HOUR

    def least(self, begin: Instant, end: Instant) -> int:
        """Return the least that was held at any instant of a time."""
        inside = [g for at, g in zip(self._at, self._gpus, strict=True) if begin < at < end]
        return min([self.gpus(begin), *inside])

    def decayed(self, at: Instant, half_life_us: int) -> float:
        """Return GPU-hours up to an instant, each counting by its age."""
        rate = math.log(2) / half_life_us
        total, instants = 0.0, [t for t in self._at if t < at] + [at]
        for index, (begin, end) in enumerate(pairwise(instants)):
            faded = math.exp(-rate * (at - end)) - math.exp(-rate * (at - begin))
            total += self._gpus[index] * faded / rate
        return total / HOUR

    def _until(self, at: Instant) -> int:
        index = bisect_right(self._at, at) - 1
        if index < 0:
            return 0
        return self._area[index] + self._gpus[index] * (at - self._at[index])
