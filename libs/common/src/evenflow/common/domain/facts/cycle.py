"""Facts about what the engine decided."""

from dataclasses import dataclass

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import Eviction, Placement, ReasonChange, Rejection


@dataclass(frozen=True, slots=True)
class Decided:
    """One cycle. With what it saw (all below `saw_sequence`) the same core decides the same again.

    `settings_sequence` and `usage_sequence` are the log sequences of the facts it decided with; 0
    means the defaults, and no usage.
    """

    epoch: int
    saw_sequence: int
    now: Instant
    core_version: str
    settings_sequence: int = 0
    usage_sequence: int = 0
    placements: tuple[Placement, ...] = ()
    evictions: tuple[Eviction, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    reasons: tuple[ReasonChange, ...] = ()
    growths: tuple[Placement, ...] = ()  # further tasks of elastic gangs that run
    # Where jobs will start once those have stopped whom this decision evicts. Without tasks: what
    # was kept for the job is given up.
    claims: tuple[Placement, ...] = ()
