"""Samples summed up under decay, for every leaf, user and resource, slot by slot of a window. Pure.

A sum is kept as of `origin`: every amount is multiplied by `2^((end - origin) / half-life)` when it
is added, and the whole sum by `2^-((now - origin) / half-life)` when it is read. So an amount is
touched once, late samples fall into place by themselves, and the sum equals the closed form
`Σ amount * 2^-((now - end) / half-life)` over what the window holds, up to the rounding of single
additions: nothing is ever subtracted, nothing drifts.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import numpy as np

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts.usage import UsageSample
from evenflow.usage_aggregator.core.decay import Decay
from evenflow.usage_aggregator.core.groups import Groups
from evenflow.usage_aggregator.core.series import CAPACITY, Series
from evenflow.usage_aggregator.core.slots import (
    Floats,
    Ints,
    PartialSlot,
    Row,
    Slot,
    add_to,
    fitted,
)
from evenflow.usage_aggregator.core.window import Coverage, Portion, Unbounded, Window

REMEMBERED: Final = 2000
"""Ids of samples that are known again; the source's mark already tells most repetitions."""

MOST: Final = 1e40
"""Base units times seconds: an amount beyond it, or one that is no number, is read as 0."""

_REBASE_HALF_LIVES: Final = 256  # far from the ends of what a float can hold
_NOTHING: Final = 1e-9  # base units times seconds: below this a name is forgotten


class Verdict(StrEnum):
    """What became of a sample."""

    FOLDED = "folded"
    DUPLICATE = "duplicate"
    FUTURE = "future"  # it ends after now: a clock is wrong, so it is not believed (USG-14)


class Ledger:
    """All usage that the samples tell of.

    Whoever keeps it beyond this process keeps rows, too (`core/ledger_codec.py`): when the
    window's edge is in a slot whose rows were given away, `slot_needing_rows` names it and
    `restore_rows` brings them back.
    """

    def __init__(self, half_life_us: int, window: Window | None = None) -> None:
        """Nothing was used."""
        self.half_life_us: Final = half_life_us
        self.window: Final[Window] = window or Unbounded()
        self.decay: Final = Decay(half_life_us)
        self.origin: Instant | None = None
        self.data_until: Instant = 0
        self.capacity: dict[str, float] = {}  # newest, in base units
        self.seen: dict[str, None] = {}  # oldest first
        self.series = Series()
        self.slots: dict[int, Slot] = {}
        self.groups = Groups(self.series)
        self.dropped: list[int] = []  # slots that the store has not forgotten yet
        self.rows_dropped: dict[int, int] = {}
        self._partial_slot: PartialSlot | None = None
        self._whole: Floats = np.zeros(0)
        self._whole_keys: tuple[int, ...] = ()

    def fold(self, sample: UsageSample, *, latest: Instant) -> Verdict:
        """Add one sample at its own end time, unless it is known or ends after `latest`."""
        if sample.sample_id in self.seen:
            return Verdict.DUPLICATE
        if sample.interval_end > latest:
            return Verdict.FUTURE
        self.seen[sample.sample_id] = None
        if len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]
        ids, amounts = self._read(sample)
        for portion in self.window.portions(sample.interval_start, sample.interval_end):
            self._add(portion, ids, amounts)
        if sample.interval_end >= self.data_until:
            self.data_until = sample.interval_end
            self.capacity = {
                name: amount for name, amount in sample.capacity.items() if 0 <= amount < MOST
            } or self.capacity
        return Verdict.FOLDED

    def scale_at(self, now: Instant) -> float:
        """Return what sums are multiplied by to have them as of `now`."""
        return 1.0 if self.origin is None else self.decay.factor(self.origin, now)

    def sums_at(self, now: Instant) -> Floats:
        """Return the sums of the window of `now`, as of the origin, by the number of the series.

        The rows that `slot_needing_rows` asks for must have been given.
        """
        length = len(self.series)
        whole, partly = [], None
        for key in sorted(self.slots):
            coverage = self.window.coverage(key, now)
            if coverage is Coverage.WHOLE:
                whole.append(key)
            elif coverage is Coverage.PARTLY:
                partly = key
        self._whole = fitted(self._whole, length)
        if tuple(whole) != self._whole_keys:
            self._whole_keys = tuple(whole)
            self._whole[:] = 0.0
            for key in whole:
                add_to(self._whole, self.slots[key].sums)
        found = self._whole[:length].copy()
        if partly is not None:
            tail = self._partial_slot_of(partly)
            add_to(found, tail.since(self.window.edge(now), self._factor, length))
        return found

    def slot_needing_rows(self, now: Instant) -> int | None:
        """Return the slot whose kept rows must be given before sums of `now` can be told."""
        for key, slot in self.slots.items():
            if (
                slot.rows_kept
                and (self._partial_slot is None or self._partial_slot.key != key)
                and self.window.coverage(key, now) is Coverage.PARTLY
            ):
                return key
        return None

    def restore_rows(self, key: int, rows: Iterable[Row]) -> None:
        """Bring back the rows of a slot that are kept elsewhere."""
        self._partial_slot = PartialSlot(key, (*rows, *self.slots[key].pending))

    def forget_unused(self, now: Instant) -> None:
        """Drop what has left the window or faded away, so that the ledger does not grow for ever.

        Counters of time never go back here: what was dropped for one `now` is gone for all.
        """
        gone = [key for key in self.slots if self.window.coverage(key, now) is Coverage.GONE]
        for key in gone:
            kept = self.slots.pop(key).rows_kept
            self.dropped.append(key)
            self.rows_dropped[key] = max(kept, self.rows_dropped.get(key, 0))
        if self._partial_slot is not None and self._partial_slot.key not in self.slots:
            self._partial_slot = None
        if gone or isinstance(self.window, Unbounded):
            self._release_unused(self.scale_at(now))

    def _release_unused(self, scale: float) -> None:
        if self.window.keeps_rows:
            # Not by their sums: what adds up to nothing may still be made of something.
            unused = self.series.untouched_since(min(self.slots, default=2**62))
        else:
            # A window that resets forgets by itself.
            is_endless = isinstance(self.window, Unbounded)
            unused = self._faded(_NOTHING / max(scale, 1e-300) if is_endless else 0.0)
        for sums in (self._whole, *(slot.sums for slot in self.slots.values())):
            sums[unused[unused < len(sums)]] = 0.0
        self.series.release(unused.tolist())

    def _faded(self, least: float) -> Ints:
        length = len(self.series)
        is_used = np.zeros(length, dtype=np.bool_)
        for slot in self.slots.values():
            shared = min(length, len(slot.sums))
            is_used[:shared] |= np.abs(slot.sums[:shared]) > least
        return np.flatnonzero(~is_used)

    def _read(self, sample: UsageSample) -> tuple[Ints, Floats]:
        """Return the sample's amounts by series, capacity times seconds among them."""
        id_of = self.series.id_of
        ids: list[int] = []
        amounts: list[float] = []
        for entry in sample.entries:
            queue, project, user = entry.queue, entry.project, entry.user
            for resource, amount in entry.amounts.items():
                ids.append(id_of((queue, project, user, resource)))
                amounts.append(amount)
        seconds = (sample.interval_end - sample.interval_start) / SECOND
        for resource, amount in sample.capacity.items():
            ids.append(id_of((CAPACITY, "", "", resource)))
            amounts.append(amount * seconds)
        found = np.array(amounts, dtype=np.float64)
        found[~(np.abs(found) < MOST)] = 0.0
        return np.array(ids, dtype=np.int64), found

    def _add(self, portion: Portion, ids: Ints, amounts: Floats) -> None:
        factor = self._factor_at(portion.ends_at) * portion.part
        slot = self.slots.setdefault(portion.slot, Slot())
        weighted, length = amounts * factor, len(self.series)
        slot.add(ids, weighted, length)
        if portion.slot in self._whole_keys:
            self._whole = fitted(self._whole, length)
            np.add.at(self._whole, ids, weighted)
        if self.window.keeps_rows:
            self.series.touch(ids, portion.slot)
            row = Row(portion.ends_at, ids, amounts)
            slot.pending.append(row)
            if self._partial_slot is not None and self._partial_slot.key == portion.slot:
                self._partial_slot.add(row)

    def _partial_slot_of(self, key: int) -> PartialSlot:
        if self._partial_slot is None or self._partial_slot.key != key:
            if self.slots[key].rows_kept:
                raise BrokenInvariant(f"the rows of slot {key} were not given back")
            self._partial_slot = PartialSlot(key, self.slots[key].pending)
        return self._partial_slot

    def _factor(self, end: Instant) -> float:
        return self.decay.factor(end, self.origin or 0)

    def _factor_at(self, end: Instant) -> float:
        if self.origin is None:
            self.origin = end
        elif self.half_life_us:
            half_lives = (end - self.origin) // self.half_life_us
            if half_lives > _REBASE_HALF_LIVES:
                self._rebase(half_lives)
        return self._factor(end)

    def _rebase(self, half_lives: int) -> None:
        """Move the origin by whole half-lives: a factor that is a power of two rounds nothing."""
        self.origin = (self.origin or 0) + half_lives * self.half_life_us
        exponent = max(-half_lives, -100_000)
        for slot in self.slots.values():
            np.ldexp(slot.sums, exponent, out=slot.sums)
            slot.is_changed = True
        np.ldexp(self._whole, exponent, out=self._whole)
        if self._partial_slot is not None:
            self._partial_slot.scale(exponent)
