"""What plots show, computed from starts and ends: exact means over the bins of a time axis."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS: Final = 320
"""About as many as a plot has room for."""


def mean_held(start: Floats, end: Floats, amount: Floats, edges: Floats) -> Floats:
    """Return how much was held in each bin on average; all times in one unit."""
    at = np.concatenate((start, end))
    order = np.argsort(at, kind="stable")
    at = at[order]
    held = np.cumsum(np.concatenate((amount, -amount))[order])
    if not len(at):
        return np.zeros(len(edges) - 1)
    # The integral of what is held, known exactly at every change, is straight between them.
    integral = np.concatenate(([0.0], np.cumsum(held[:-1] * np.diff(at))))
    through = np.interp(edges, at, integral)
    return np.diff(through) / np.diff(edges)


def mean_of_steps(at: Floats, value: Floats, edges: Floats) -> Floats:
    """Return the mean of a step function in each bin; the last value lasts."""
    until = np.append(at[1:], max(edges[-1], at[-1]) if len(at) else edges[-1])
    return mean_held(at, until, value, edges)


def bins(span: float, count: int = BINS) -> tuple[Floats, Floats]:
    """Return the edges of equal bins over 0..span, and their middles."""
    edges = np.linspace(0.0, span or 1.0, count + 1)
    return edges, (edges[:-1] + edges[1:]) / 2


def at_quantiles(waits: Floats, count: int = 200) -> tuple[Floats, Floats]:
    """Return waits and the part of all that waited at most so long, thinned out for a plot."""
    if not len(waits):
        return np.zeros(0), np.zeros(0)
    ratio = np.linspace(0, 1, min(count, len(waits)) + 1)
    return np.quantile(waits, ratio, method="inverted_cdf"), ratio


def size_classes(widths: Sequence[int]) -> list[tuple[str, int, int]]:
    """Return classes of widths as (name, least, most), those that any job is in."""
    found = []
    least = 1
    for most in (1, 4, 16, 64, 256, 1024, 2**62):
        if any(least <= width <= most for width in widths):
            name = "1" if most == 1 else f"{least}\u2013{most}" if most < 2**62 else f"{least}+"
            found.append((name, least, most))
        least = most + 1
    return found
