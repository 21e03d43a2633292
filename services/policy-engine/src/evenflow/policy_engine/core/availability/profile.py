"""How many slots are free from when on: what conservative backfill plans its windows in."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final

from evenflow.common.domain.clock import Instant

FOREVER: Final[Instant] = 1 << 62
"""The end of what has none: a job without a limit or an estimate."""


class Profile:
    """A step function of free slots over time, from `now` on.

    Each step costs a few machine words; finding a window and taking it are one pass over the steps
    up to its end. What is taken may be more than there is (nodes leave), and nothing fits there.
    """

    __slots__ = ("_free", "_times")

    def __init__(self, now: Instant, free: int, ends: Iterable[tuple[Instant, int]] = ()) -> None:
        """Begin with what is free now and what comes free at `ends`, ascending; overdue is now."""
        times, levels = [now], [free]
        for end, gained in ends:
            free += gained
            if end <= times[-1]:
                levels[-1] = free
            else:
                times.append(end)
                levels.append(free)
        self._times = times
        self._free = levels

    def free_at(self, at: Instant) -> int:
        """Return what is free at an instant; before the beginning it is what is free then."""
        return self._free[max(0, bisect_right(self._times, at) - 1)]

    def steps(self) -> list[tuple[Instant, int]]:
        """Return each instant at which what is free may change, with what is free from it on."""
        return list(zip(self._times, self._free, strict=True))

    def earliest(
        self, slots: int, duration_us: int, not_before: Instant | None = None
    ) -> Instant | None:
        """Return the start of the earliest window; None when there is none, however late."""
        times, levels = self._times, self._free
        start = times[0] if not_before is None else max(times[0], not_before)
        step = bisect_right(times, start) - 1
        last = len(times)
        while step < last:
            if levels[step] < slots:
                step += 1
                if step < last:
                    start = times[step]
                continue
            end = start + duration_us
            ahead = step + 1
            while ahead < last and times[ahead] < end and levels[ahead] >= slots:
                ahead += 1
            if ahead == last or times[ahead] >= end:
                return start
            step = ahead  # too little is free there: no window before it can be long enough
        return None

    def lasts(self, slots: int, start: Instant) -> Instant:
        """Return until when so many slots are free from `start` on; `start` itself if they are not.

        `FOREVER` when they are from then on.
        """
        step = max(0, bisect_right(self._times, start) - 1)
        for later in range(step, len(self._times)):
            if self._free[later] < slots:
                return max(start, self._times[later])
        return FOREVER

    def take(self, start: Instant, end: Instant, slots: int) -> None:
        """Occupy slots from `start` up to, not with, `end`; what lies before now is over."""
        if end <= start or end <= self._times[0]:
            return
        first, last = self._cut(max(start, self._times[0])), self._cut(end)
        levels = self._free
        for step in range(first, last):
            levels[step] -= slots

    def _cut(self, at: Instant) -> int:
        """Return the step that begins at an instant; make it where there is none."""
        if at >= FOREVER:
            return len(self._times)
        step = bisect_left(self._times, at)
        if step == len(self._times) or self._times[step] != at:
            self._times.insert(step, at)
            self._free.insert(step, self._free[step - 1])
        return step
