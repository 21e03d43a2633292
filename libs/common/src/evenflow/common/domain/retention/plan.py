"""Where the log is cut next, what holds that, and which bases are kept. Pure.

The log is only ever cut right behind a base that is kept. So it always begins where somebody can
begin: a reader that keeps a cursor finds a base at or before it, and the whole log after that base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

FULL_RATIO: Final = 0.8
"""Of the limit: an alarm is given, because what holds the cut is a person's to look at."""
YIELD_RATIO: Final = 0.7
"""Of the limit: history yields, the oldest first."""
RELIEF_RATIO: Final = 0.5
"""Of the limit: how far history yields then."""
NEWEST_KEPT: Final = 3
"""Bases that are kept in any case."""
SPANS: Final = 10
"""Into how many parts history is divided, by time and by size: a base is kept for each."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What the log holds: sequences, when the ends were stored, bytes. `limit_bytes` 0: no limit.

    The limit is that of writers who may be told to wait; the stream itself takes some more.
    """

    first: int
    last: int
    size_bytes: int = 0
    limit_bytes: int = 0
    first_at: int = 0  # wall, whole microseconds; 0: the log is empty
    last_at: int = 0

    @property
    def fullness(self) -> float:
        """Part of the limit that is used; 0 without a limit."""
        return self.size_bytes / self.limit_bytes if self.limit_bytes else 0.0

    @property
    def is_full(self) -> bool:
        """Whether only what must always be taken is still taken."""
        return bool(self.limit_bytes) and self.size_bytes >= self.limit_bytes


@dataclass(frozen=True, slots=True)
class Base:
    """A state that others can start from: complete up to `sequence`."""

    sequence: int
    taken_at: int  # wall, whole microseconds


@dataclass(frozen=True, slots=True)
class CutPlan:
    """Cut everything up to `to` (0: nothing). `held_by` is what does not let more go."""

    to: int
    held_by: str
    keep: tuple[int, ...]  # sequences of the bases that stay


def plan_cut(
    extent: Extent, bases: Sequence[Base], cursors: Mapping[str, int], *, now: int, keep_us: int
) -> CutPlan:
    """Say where to cut.

    Args:
        extent: what the log holds.
        bases: all that are there.
        cursors: by reader, up to where its own state is complete.
        now: wall, whole microseconds.
        keep_us: how much history is wanted, as long as there is room for it.
    """
    ordered = sorted(bases, key=lambda base: base.sequence)
    bounds = {"the last base but one": ordered[-2].sequence if len(ordered) > 1 else 0}
    bounds |= {f"reader {name}": sequence for name, sequence in cursors.items()}
    allowed = min(bounds.values())
    wanted = _by_history(extent, ordered, allowed, now - keep_us)
    if wanted < allowed:
        bounds["history (log_store.keep)"] = wanted
    held_by = min(sorted(bounds), key=lambda name: bounds[name])
    to = max((b.sequence for b in ordered if b.sequence <= min(allowed, wanted)), default=0)
    to = to if to >= extent.first else 0
    return CutPlan(to, held_by, _kept(extent, ordered, cursors, max(to, extent.first - 1), keep_us))


def _by_history(extent: Extent, ordered: Sequence[Base], allowed: int, oldest: int) -> int:
    """Return up to where history lets go: what is older than wanted, more when room is short."""
    wanted = max((base.sequence for base in ordered if base.taken_at <= oldest), default=0)
    if extent.fullness < YIELD_RATIO:
        return wanted
    # Sequences are taken as alike in size: what is off by that is mended by the next look.
    count = extent.last - extent.first + 1
    spare = extent.size_bytes - RELIEF_RATIO * extent.limit_bytes
    enough = extent.first + count * spare / max(1, extent.size_bytes)
    steps = [b.sequence for b in ordered if extent.first <= b.sequence <= allowed]
    return max(wanted, next((s for s in steps if s >= enough), max(steps, default=0)))


def _kept(
    extent: Extent, ordered: Sequence[Base], cursors: Mapping[str, int], begin: int, keep_us: int
) -> tuple[int, ...]:
    """Return the bases that are needed: to begin, near each cursor, for each part of history."""
    sequences = [base.sequence for base in ordered]
    kept = set(sequences[-NEWEST_KEPT:])
    for place in (begin, *cursors.values()):
        kept.add(max((s for s in sequences if s <= place), default=0))
    share = extent.last - extent.first + 1
    if extent.limit_bytes and extent.size_bytes:
        share = round(share * extent.limit_bytes / extent.size_bytes)
    last: Base | None = None
    for base in ordered:
        if base.sequence < begin:
            continue
        if (
            last is None
            or base.taken_at - last.taken_at >= keep_us // SPANS
            or (extent.limit_bytes and base.sequence - last.sequence >= max(1, share // SPANS))
        ):
            kept.add(base.sequence)
            last = base
    # What lies before the log's beginning serves nobody: the log does not go on from there.
    return tuple(s for s in sequences if s in kept and s >= min(begin, extent.first - 1))
