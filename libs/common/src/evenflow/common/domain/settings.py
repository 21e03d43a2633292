"""Settings a cycle decides with. They travel as a fact, so that a decision can be made again."""

from dataclasses import dataclass
from typing import Final

POLICIES: Final = ("fifo", "priority")
"""Those that come with Evenflow; others are installed."""


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """What the engine decides by; `headroom_milli`: thousandths of every node kept free."""

    policy: str = "fifo"
    strict_order: bool = True  # SCH-12: a blocked head holds back its queue
    headroom_milli: int = 0
    max_placements: int = 500  # per decision, so that a cycle stays short
