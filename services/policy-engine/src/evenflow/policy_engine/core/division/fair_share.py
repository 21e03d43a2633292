"""Divide one resource among the queues of one level: first what they deserve, then the rest.

What is left after the guarantees goes to the bands of equal priority, highest first, in rounds. In
a round every queue below its ceiling is offered its part of a pot that stays as it was when the
round began, and takes at most what it lacks; while somebody took less than offered, the others
share the rest once more. History bends the parts (`k`), never the guarantees or the bands' order.

A claim's result does not depend on where it stands in the input, not in the last bit: sums are
exact (`math.fsum`), every other step looks at one claim alone, and ties end at the name. And a
ceiling that is not reached plays no part: moving it above the result changes nothing for anybody.
"""

from collections.abc import Sequence
from math import floor, fsum
from typing import Final, NamedTuple

_CRUMB: Final = 5e-14
"""The part of a pot that is rounding and no capacity: what holds no more counts as empty."""

_NEARLY_ALL: Final = 1.0 - 1e-9
"""Of a pot: where no more is wanted there is enough for all, whatever rounding does."""

_NEARLY_WHOLE: Final = 1e-9
"""A share this close below a whole unit is that unit; fractions this close are equal."""


class Claim(NamedTuple):
    """One queue's claim on one resource, among its siblings."""

    name: str  # unique; ties end here
    deserved: float  # guaranteed, whatever history says
    ceiling: float  # min(request, limit): it never gets more
    weight: float = 1.0
    usage: float = 0.0  # normalised to the parent, 0..1
    priority: int = 0
    created: int = 0


def divide(
    pot: float, claims: Sequence[Claim], *, k: float = 1.0, unit: float = 0.0
) -> list[float]:
    """Return what each claim gets, in the claims' order; with a `unit`, in whole ones of it."""
    if pot <= 0.0:
        return [0.0] * len(claims)
    sure = [c.deserved if c.deserved < c.ceiling else max(0.0, c.ceiling) for c in claims]
    promised = fsum(sure)
    if promised > pot:
        return _shrink(pot, claims, unit)
    content = [max(least, claim.ceiling) for claim, least in zip(claims, sure, strict=True)]
    if fsum(content) <= pot * _NEARLY_ALL and _have_parts(claims, sure, k):
        return content  # what the rounds would find out at length
    shares = list(sure)
    spare = pot - promised
    for band in _bands(claims, sure):
        if spare <= pot * _CRUMB:
            break
        lacks = [claims[i].ceiling - sure[i] for i in band]
        weights = [claims[i].weight for i in band]
        usages = [claims[i].usage for i in band]
        taken, spare = _pour(spare, lacks, weights, usages, k)
        for i, lack, more in zip(band, lacks, taken, strict=True):
            shares[i] = (
                claims[i].ceiling if more >= lack else min(claims[i].ceiling, sure[i] + more)
            )
        if unit > 0.0:
            spare = _settle(spare, claims, shares, sure, band=band, unit=unit)
    return shares


def _have_parts(claims: Sequence[Claim], sure: Sequence[float], k: float) -> bool:
    """Whether all that can take more than their guarantee have a part, however few they are.

    The fewer they are, the larger are their parts; history may leave somebody none at all.
    """
    total = fsum([claim.weight for claim in claims])
    return all(
        (1.0 + k) * claim.weight > k * claim.usage * total
        for claim, least in zip(claims, sure, strict=True)
        if claim.ceiling > least
    )


def _shrink(pot: float, claims: Sequence[Claim], unit: float) -> list[float]:
    """Guarantees above capacity: all get the same part of what they deserve, up to a ceiling."""
    ceilings = [max(0.0, c.ceiling) for c in claims]
    deserved = [c.deserved for c in claims]
    shares, left = _pour(pot, ceilings, deserved, [0.0] * len(claims), 0.0)
    if unit > 0.0:
        nothing = [0.0] * len(claims)
        _settle(left, claims, shares, nothing, band=range(len(claims)), unit=unit)
    return shares


def _bands(claims: Sequence[Claim], sure: Sequence[float]) -> list[list[int]]:
    """The claims that can take more than their guarantee, by priority, highest first."""
    bands: dict[int, list[int]] = {}
    for i, claim in enumerate(claims):
        if claim.weight > 0.0 and claim.ceiling > sure[i]:
            bands.setdefault(claim.priority, []).append(i)
    return [bands[priority] for priority in sorted(bands, reverse=True)]


def _pour(
    pot: float, lacks: Sequence[float], weights: Sequence[float], usages: Sequence[float], k: float
) -> tuple[list[float], float]:
    """What each takes of the pot, and what nobody took: exactly 0 while somebody lacks more."""
    taken = [0.0] * len(lacks)
    hungry = [i for i, lack in enumerate(lacks) if lack > 0.0 and weights[i] > 0.0]
    empty = pot * _CRUMB
    while hungry and pot > empty:
        parts = _parts([weights[i] for i in hungry], [usages[i] for i in hungry], k)
        whole = fsum(parts)
        if whole <= 0.0:
            break
        still: list[int] = []
        given: list[float] = []
        for i, part in zip(hungry, parts, strict=True):
            offer = pot * part / whole
            lack = lacks[i] - taken[i]
            if offer < lack:
                taken[i] += offer
                still.append(i)
                given.append(offer)
            else:
                taken[i] = lacks[i]
                given.append(lack)
        if len(still) == len(hungry):
            return taken, 0.0
        hungry, pot = still, max(0.0, pot - fsum(given))
    return taken, pot if pot > empty else 0.0


def _parts(weights: list[float], usages: list[float], k: float) -> list[float]:
    """How the pot is cut: the weight as a ratio, bent away from what was used before."""
    total = fsum(weights)
    ratios = [weight / total for weight in weights]
    if k == 0.0:
        return ratios
    bent = [ratio + k * (ratio - usage) for ratio, usage in zip(ratios, usages, strict=True)]
    return [max(0.0, part) for part in bent]


def _settle(
    left: float,
    claims: Sequence[Claim],
    shares: list[float],
    sure: Sequence[float],
    *,
    band: Sequence[int],
    unit: float,
) -> float:
    """Make the band's limited shares whole units, in place; what is left of the pot comes back.

    A share at its ceiling stays, whole or not. The others fall to the unit below, but not under
    their guarantee, and what falls off is handed out again, a unit at a time.
    """
    fractions: dict[int, float] = {}
    for i in band:
        if sure[i] < shares[i] < claims[i].ceiling:
            whole = max(sure[i], _units(shares[i], unit) * unit)
            fractions[i] = shares[i] - whole
            shares[i] = whole
    left = fsum([left, *fractions.values()])

    def turn(i: int) -> tuple[int, float, int, str]:
        claim = claims[i]
        return (-claim.priority, -round(fractions[i] / unit, 9), claim.created, claim.name)

    order = sorted(fractions, key=turn)
    served = True
    while served and left > unit * _NEARLY_WHOLE:
        served = False
        for i in order:
            up = min((_units(shares[i], unit) + 1) * unit, claims[i].ceiling)
            step = up - shares[i]
            if 0.0 < step <= left + unit * _NEARLY_WHOLE:
                shares[i], left, served = up, max(0.0, left - step), True
    return left if left > unit * _NEARLY_WHOLE else 0.0


def _units(amount: float, unit: float) -> int:
    """How many whole units an amount holds; one that is whole but for rounding counts as whole."""
    return floor(amount / unit + _NEARLY_WHOLE)
