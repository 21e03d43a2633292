"""The one power that a core computes: 2 to a negative exponent, in integers (ADR-0020)."""

from math import isqrt
from typing import Final

from evenflow.common.domain.plugins.policy import PARTS

_BITS: Final = 40  # of the exponent's fraction: finer than a billionth
_SCALE: Final = 96  # binary places of what is computed with; errors stay far below a billionth
_NOTHING: Final = PARTS.bit_length()  # from this exponent on less than a billionth is left


def _roots() -> tuple[int, ...]:
    """Return 2**-(1/2), 2**-(1/4), ... to 2**-(1 / 2**_BITS): each the square root of the last."""
    found: list[int] = []
    root = 1 << (_SCALE - 1)
    for _ in range(_BITS):
        root = isqrt(root << _SCALE)
        found.append(root)
    return tuple(found)


_ROOTS: Final = _roots()


def two_to_minus(exponent: int) -> int:
    """Return 2**-exponent, both in billionths, rounded down; the exponent is 0 or more.

    It never grows with the exponent, and is exact where that is whole.
    """
    whole, fraction = divmod(exponent, PARTS)
    if whole >= _NOTHING:
        return 0
    bits = (fraction << _BITS) // PARTS
    value = 1 << _SCALE
    for place, root in enumerate(_ROOTS, start=1):
        if bits >> (_BITS - place) & 1:
            value = value * root >> _SCALE
    return value * PARTS >> (_SCALE + whole)
