"""Samples summed up under decay, per queue, project, user, and user of a queue. Pure.

A sum is kept as of `origin`: every amount is multiplied by `2^((end - origin) / half-life)` when it
is added, and the whole sum by `2^-((now - origin) / half-life)` when it is read. So an amount is
touched once, late samples fall into place by themselves, and the sum equals the closed form
`Σ amount * 2^-((now - end) / half-life)` up to the rounding of single additions: nothing drifts.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.facts.usage import UsageSample
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.usage import queue_user
from evenflow.usage_aggregator.core.decay import Decay

Sums = dict[str, dict[str, float]]
"""Name to resource to base units times seconds, as of the origin."""

FORMAT: Final = 2
"""Of the ledger as text. One of another format is not read: the samples are folded again."""

REMEMBERED: Final = 2000
"""Ids of samples that are known again; the stream's sequence already tells most repetitions."""

CLUSTER: Final = "cluster"
"""The one name under which capacity is summed."""

_REBASE_HALF_LIVES: Final = 256  # far from the ends of what a float can hold
_NOTHING: Final = 1e-9  # base units times seconds: below this a name is forgotten


class Verdict(StrEnum):
    """What became of a sample."""

    FOLDED = "folded"
    DUPLICATE = "duplicate"
    FUTURE = "future"  # it ends after now: a clock is wrong, so it is not believed (USG-14)


@dataclass(slots=True)
class Ledger:
    """All usage that the samples tell of. `cursor` is the last sequence of the stream in it."""

    half_life_us: int
    origin: Instant | None = None
    cursor: int = 0
    data_until: Instant = 0
    queues: Sums = field(default_factory=dict)
    projects: Sums = field(default_factory=dict)
    users: Sums = field(default_factory=dict)
    queue_users: Sums = field(default_factory=dict)  # by leaf and user, as `queue_user` names them
    capacity_seconds: Sums = field(default_factory=dict)  # one name: the cluster
    capacity: dict[str, float] = field(default_factory=dict)  # newest, in base units
    seen: dict[str, None] = field(default_factory=dict)  # oldest first

    def fold(self, sample: UsageSample, *, latest: Instant) -> Verdict:
        """Add one sample at its own end time, unless it is known or ends after `latest`."""
        if sample.sample_id in self.seen:
            return Verdict.DUPLICATE
        if sample.interval_end > latest:
            return Verdict.FUTURE
        self.seen[sample.sample_id] = None
        if len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]
        factor = self._factor_at(sample.interval_end)
        for entry in sample.entries:
            for path in lineage(entry.queue):
                _add(self.queues, path, entry.amounts, factor)
            _add(self.projects, entry.project, entry.amounts, factor)
            _add(self.users, entry.user, entry.amounts, factor)
            _add(self.queue_users, queue_user(entry.queue, entry.user), entry.amounts, factor)
        seconds = (sample.interval_end - sample.interval_start) / SECOND
        _add(self.capacity_seconds, CLUSTER, sample.capacity, factor * seconds)
        if sample.interval_end >= self.data_until:
            self.data_until = sample.interval_end
            self.capacity = dict(sample.capacity) or self.capacity
        return Verdict.FOLDED

    def scale_at(self, now: Instant) -> float:
        """Return what sums are multiplied by to have them as of `now`."""
        return 1.0 if self.origin is None else Decay(self.half_life_us).factor(self.origin, now)

    def forget_nothings(self, now: Instant) -> None:
        """Drop names whose usage has faded away, so that the ledger does not grow for ever."""
        scale = self.scale_at(now)
        for sums in (self.queues, self.projects, self.users, self.queue_users):
            for name in [
                name
                for name, amounts in sums.items()
                if all(abs(amount) * scale < _NOTHING for amount in amounts.values())
            ]:
                del sums[name]

    def _factor_at(self, end: Instant) -> float:
        if self.origin is None:
            self.origin = end
        elif self.half_life_us:
            half_lives = (end - self.origin) // self.half_life_us
            if half_lives > _REBASE_HALF_LIVES:
                self._rebase(half_lives)
        return Decay(self.half_life_us).factor(end, self.origin)

    def _rebase(self, half_lives: int) -> None:
        """Move the origin by whole half-lives: a factor that is a power of two rounds nothing."""
        self.origin = (self.origin or 0) + half_lives * self.half_life_us
        groups = (self.queues, self.projects, self.users, self.queue_users, self.capacity_seconds)
        for sums in groups:
            for amounts in sums.values():
                for name in amounts:
                    amounts[name] = math.ldexp(amounts[name], -half_lives)


def _add(sums: Sums, name: str, amounts: Mapping[str, float], factor: float) -> None:
    held = sums.get(name)
    if held is None:
        held = sums[name] = {}
    for resource, amount in amounts.items():
        held[resource] = held.get(resource, 0.0) + amount * factor


def dump(ledger: Ledger, log_id: str) -> str:
    """Return the ledger as text; floats read back bit by bit."""
    found: dict[str, object] = {each.name: getattr(ledger, each.name) for each in fields(Ledger)}
    found |= {"format": FORMAT, "log_id": log_id, "seen": list(ledger.seen)}
    return json.dumps(found, separators=(",", ":"), allow_nan=False)


def load(text: str, log_id: str, half_life_us: int) -> Ledger | None:
    """Read a ledger back; None when it is damaged, or of another format, log or half-life."""
    try:
        found = json.loads(text)
        if (found.pop("format"), found.pop("log_id")) != (FORMAT, log_id):
            return None
        found["seen"] = dict.fromkeys(found["seen"])
        ledger = Ledger(**found)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return ledger if ledger.half_life_us == half_life_us else None
