"""Which samples count at an instant, as slots of time that enter and leave the sum. Pure.

A window cuts time into slots, each a number. Sums are kept slot by slot, so what leaves is left out
of the next addition and never subtracted: nothing drifts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from evenflow.common.domain.clock import SECOND, Instant

SLOTS: Final = 336
"""Of a sliding window: two weeks give slots of an hour."""


class Coverage(Enum):
    """How much of a slot the window of an instant holds."""

    GONE = auto()  # nothing of it will count again
    PARTLY = auto()  # the window's edge runs through it
    WHOLE = auto()
    LATER = auto()  # it belongs to a window that has not begun


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a sample that belongs to a slot, counted as if it ended at `ends_at`."""

    slot: int
    part: float
    ends_at: Instant


@dataclass(frozen=True, slots=True)
class Period:
    """A window between two resets: open at its start, closed at its end."""

    opened_at: Instant
    closes_at: Instant


class Calendar(Protocol):
    """When usage is reset. A function of the instant alone."""

    def period(self, at: Instant) -> Period | None:
        """Return the period that `at` lies in; None before the first one."""


class Window(Protocol):
    """What counts, and since when."""

    @property
    def keeps_rows(self) -> bool:
        """Whether slots may count partly, so that their single samples are needed."""

    def portions(self, started_at: Instant, ended_at: Instant) -> Sequence[Portion]:
        """Return how a sample is spread over slots; nothing when no window holds it."""

    def coverage(self, slot: int, now: Instant) -> Coverage:
        """Return how much of a slot the window of `now` holds."""

    def edge(self, now: Instant) -> Instant:
        """Return the end of the oldest sample that counts in slots that count partly."""

    def described(self, now: Instant) -> dict[str, object]:
        """Return what the snapshot's document says of the window of `now`."""


@dataclass(frozen=True, slots=True)
class Unbounded:
    """Everything counts for ever, as far as it has not faded away."""

    keeps_rows: bool = False

    def portions(self, started_at: Instant, ended_at: Instant) -> Sequence[Portion]:  # noqa: ARG002
        """See the port."""
        return (Portion(0, 1.0, ended_at),)

    def coverage(self, slot: int, now: Instant) -> Coverage:  # noqa: ARG002
        """See the port."""
        return Coverage.WHOLE

    def edge(self, now: Instant) -> Instant:  # noqa: ARG002
        """See the port."""
        return 0

    def described(self, now: Instant) -> dict[str, object]:  # noqa: ARG002
        """See the port."""
        return {"type": "unbounded", "size_seconds": None, "anchor": None}


@dataclass(frozen=True, slots=True)
class Sliding:
    """Samples whose end is at most `size_us` ago; one exactly that old still counts (USG-11)."""

    size_us: int
    slot_us: int
    keeps_rows: bool = True

    @classmethod
    def of(cls, size_us: int, poll_us: int) -> "Sliding":
        """Return a window of `SLOTS` slots, or fewer: none need be shorter than a poll."""
        return cls(size_us, max(1, min(size_us, max(poll_us, size_us // SLOTS))))

    def portions(self, started_at: Instant, ended_at: Instant) -> Sequence[Portion]:  # noqa: ARG002
        """See the port. A sample counts whole while its end counts."""
        return (Portion(ended_at // self.slot_us, 1.0, ended_at),)

    def coverage(self, slot: int, now: Instant) -> Coverage:
        """See the port."""
        edge, first = self.edge(now), slot * self.slot_us
        if first >= edge:
            return Coverage.WHOLE
        return Coverage.PARTLY if first + self.slot_us > edge else Coverage.GONE

    def edge(self, now: Instant) -> Instant:
        """See the port."""
        return now - self.size_us

    def described(self, now: Instant) -> dict[str, object]:  # noqa: ARG002
        """See the port."""
        return {"type": "sliding", "size_seconds": self.size_us / SECOND, "anchor": None}


@dataclass(frozen=True, slots=True)
class Recurring:
    """Usage since the last reset. A sample over a reset counts on each side for its share there."""

    calendar: Calendar
    fields: tuple[tuple[str, object], ...]  # of the document
    keeps_rows: bool = False

    def portions(self, started_at: Instant, ended_at: Instant) -> Sequence[Portion]:
        """See the port. Only two periods: older ones are never reported again."""
        period = self.calendar.period(ended_at)
        if period is None:
            return ()
        if started_at >= period.opened_at:
            return (Portion(period.opened_at, 1.0, ended_at),)
        length = ended_at - started_at
        found = [Portion(period.opened_at, (ended_at - period.opened_at) / length, ended_at)]
        before = self.calendar.period(period.opened_at)
        if before is not None:
            within = period.opened_at - max(started_at, before.opened_at)
            found.append(Portion(before.opened_at, within / length, period.opened_at))
        return found

    def coverage(self, slot: int, now: Instant) -> Coverage:
        """See the port."""
        period = self.calendar.period(now)
        if period is None or slot > period.opened_at:
            return Coverage.LATER
        return Coverage.WHOLE if slot == period.opened_at else Coverage.GONE

    def edge(self, now: Instant) -> Instant:
        """See the port."""
        period = self.calendar.period(now)
        return now if period is None else period.opened_at + 1

    def described(self, now: Instant) -> dict[str, object]:
        """See the port."""
        period = self.calendar.period(now)
        return dict(self.fields) | {
            "opened_at": None if period is None else period.opened_at,
            "closes_at": None if period is None else period.closes_at,
        }


@dataclass(frozen=True, slots=True)
class Tumbling:
    """Resets at `anchor + k * size_us`, found by division, never by stepping (USG-12, USG-13)."""

    size_us: int
    anchor: Instant

    def period(self, at: Instant) -> Period | None:
        """See `Calendar`. Before the anchor there is none; at a reset the finished one stands."""
        if at <= self.anchor:
            return None
        opened_at = self.anchor + (at - self.anchor - 1) // self.size_us * self.size_us
        return Period(opened_at, opened_at + self.size_us)
