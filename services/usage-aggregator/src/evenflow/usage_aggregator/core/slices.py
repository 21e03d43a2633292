"""Which instants a store is asked for: bounded slices from a mark to now. Pure."""

from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import Instant

_MANY_STEPS: Final = 60
"""A gap of more steps is caught up at the resolution of a cold start."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Instants `since + step_us`, `since + 2 * step_us` and so on up to `until`."""

    since: Instant
    until: Instant
    step_us: int
    is_last: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask for yet."""
        return self.until <= self.since

    def end_of(self, at: Instant) -> Instant:
        """Return the instant of the slice that an answer's time stands for."""
        steps = max(1, round((at - self.since) / self.step_us))
        return min(self.until, self.since + steps * self.step_us)

    def ends(self) -> list[Instant]:
        """Return its instants."""
        return list(range(self.since + self.step_us, self.until + 1, self.step_us))


@dataclass(frozen=True, slots=True)
class Slicer:
    """How a store is asked. All are whole seconds on the store's clock, in microseconds."""

    step_us: int
    resolution_us: int
    slice_us: int
    delay_us: int
    history_us: int | None

    def next(self, mark: str | None, now: Instant) -> Slice:
        """Return what to ask for; `mark` is the instant up to which is known, as text.

        Raises:
            ValueError: the mark is none of ours.
        """
        latest = now - self.delay_us
        until = latest - latest % self.step_us
        since = self._first(until) if mark is None else int(mark)
        gap = until - since
        step = self.step_us
        if gap > _MANY_STEPS * step:
            step *= max(1, min(-(-self.resolution_us // step), gap // step))
        length = min(gap, max(step, self.slice_us)) // step * step
        return Slice(since, since + max(0, length), step, gap - length < self.step_us)

    def _first(self, until: Instant) -> Instant:
        if self.history_us is None:
            return until
        oldest = max(0, until - self.history_us)
        return oldest - oldest % self.step_us
