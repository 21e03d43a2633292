"""Exponential decay by half-life. Pure."""

import math
from dataclasses import dataclass

from evenflow.common.domain.clock import Instant


@dataclass(frozen=True, slots=True)
class Decay:
    """Usage counts half when it is `half_life_us` old, a quarter at twice that; 0: always whole."""

    half_life_us: int

    def factor(self, since: Instant, until: Instant) -> float:
        """Return `2^-((until - since) / half-life)`; above 1 when `until` is the earlier one.

        Source: USG-09; `e^(-λΔt)` with `λ = ln 2 / half-life` is the same number.
        """
        if self.half_life_us == 0:
            return 1.0
        # At most 2^±1000: what is that far away is nothing, and must not overflow.
        # determinism: nobody computes it again; what is decided with is the document in the log.
        return math.exp2(max(-1000.0, min(1000.0, (since - until) / self.half_life_us)))
