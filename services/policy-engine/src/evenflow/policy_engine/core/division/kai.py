"""Divide one resource as KAI-Scheduler does, number for number, so that results can be compared.

Shares above the guarantee come in whole units. A queue whose appetite is no more than its slice
gets exactly that; any other gets the whole units of its slice, and the fraction is remembered.
When all bands had their rounds, what is left goes out a unit at a time, a queue once: the highest
band first, then the largest fraction, the older queue, the smaller name.

The arithmetic keeps the original's order of operations (a weight is first made a ratio, then bent,
then a ratio again, then multiplied by the pot): a whole unit hangs on the last bit. Only where the
original goes through queues in a random order, this one goes by name.

Known and kept, because it is what this mode is for: guarantees may exceed the pot, a fraction of a
high band can end in a lower one, and the last unit may exceed a request. `fair_share` has none of
these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Final

UNLIMITED: Final = -1.0


@dataclass(frozen=True, slots=True)
class KaiClaim:
    """One queue's claim on one resource; `deserved` and `limit` may be UNLIMITED."""

    name: str
    deserved: float
    limit: float
    request: float
    weight: float = 1.0
    usage: float = 0.0
    priority: int = 0
    created: int = 0

    @property
    def ceiling(self) -> float:
        """The most it can get in the rounds."""
        return self.request if self.limit == UNLIMITED else min(self.limit, self.request)


@dataclass(slots=True)
class _Taker:
    """A claim while the rounds go on."""

    claim: KaiClaim
    share: float = 0.0
    fraction: float = 0.0

    @property
    def appetite(self) -> float:
        return max(0.0, self.claim.ceiling - self.share)

    @property
    def is_sated(self) -> bool:
        return self.claim.ceiling <= self.share


def divide_kai(pot: float, claims: Sequence[KaiClaim], k: float) -> tuple[list[float], float]:
    """Return what each claim gets, in the claims' order, and what remains of the pot."""
    takers = {claim.name: _Taker(claim) for claim in sorted(claims, key=lambda c: c.name)}
    left = _guarantee(pot, list(takers.values()))
    if left > 0.0:
        bands: dict[int, list[_Taker]] = {}
        for taker in takers.values():
            bands.setdefault(taker.claim.priority, []).append(taker)
        ranked = [bands[priority] for priority in sorted(bands, reverse=True)]
        for band in ranked:
            left = _rounds(left, band, k)
        for band in ranked:
            left = _leftovers(left, band)
    return [takers[claim.name].share for claim in claims], max(0.0, left)


def _guarantee(pot: float, takers: list[_Taker]) -> float:
    """Give all what they deserve, whatever there is; returns what remains, below 0 if too much."""
    left = pot
    for taker in takers:
        deserved = pot if taker.claim.deserved == UNLIMITED else taker.claim.deserved
        taker.share = min(deserved, taker.claim.ceiling)
        left -= taker.share
    return left


def _rounds(pot: float, band: list[_Taker], k: float) -> float:
    """Serve a band until a round sates nobody early; returns what remains."""
    left, goes_on = pot, True
    while goes_on and left != 0.0:
        goes_on, at_start = False, left
        hungry = [taker for taker in band if not taker.is_sated]
        parts, whole = _parts(hungry, k)
        if whole == 0.0:
            break
        for taker, part in zip(hungry, parts, strict=True):
            if left == 0.0:
                break
            if taker.claim.weight == 0.0:
                continue
            slice_ = at_start * (part / whole)
            appetite = taker.appetite
            given = _serve(taker, appetite, slice_)
            left -= given
            goes_on = goes_on or (given != 0.0 and appetite < slice_)
    return left


def _parts(hungry: list[_Taker], k: float) -> tuple[list[float], float]:
    total = 0.0
    for taker in hungry:
        total += taker.claim.weight
    if total == 0.0:
        return [], 0.0
    parts: list[float] = []
    whole = 0.0
    for taker in hungry:
        ratio = taker.claim.weight / total
        parts.append(max(0.0, ratio + k * (ratio - taker.claim.usage)))
        whole += parts[-1]
    return parts, whole


def _serve(taker: _Taker, appetite: float, slice_: float) -> float:
    if appetite <= slice_:
        given, taker.fraction = appetite, 0.0
    else:
        given = max(0.0, float(floor(slice_)))
        # A slice that is whole leaves the fraction of an earlier round standing.
        taker.fraction = slice_ - given if slice_ > given else taker.fraction
    taker.share += given
    return given


def _leftovers(left: float, band: list[_Taker]) -> float:
    """Hand out units to those who lost a fraction, each at most one; returns what remains."""
    waiting = [taker for taker in band if taker.fraction > 0.0]
    for taker in sorted(waiting, key=lambda t: (-t.fraction, t.claim.created, t.claim.name)):
        if left <= 0.0:
            break
        unit = min(1.0, left)
        taker.share += unit
        left -= unit
    return left
