"""Settings a cycle decides with. They travel as a fact, so that a decision can be made again."""

from dataclasses import dataclass
from typing import Final

POLICIES: Final = ("fifo", "priority", "fairshare", "fair-tree", "multifactor", "shortest-first")
"""Those that come with Evenflow; others are installed."""
STRATEGIES: Final = ("pack", "spread", "least-fragmentation", "cheapest")
"""How to choose among nodes that fit."""
CLUSTER_STRATEGIES: Final = ("load-balance", "best-fit", "priority", "affinity", "cost")
"""How to choose among clusters that fit (BEY-14)."""
FAIRNESS_MODES: Final = ("corrected", "kai")


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """What the engine decides by; `headroom_milli`: thousandths of every node kept free."""

    policy: str = "fifo"
    strict_order: bool = True  # SCH-12: a blocked head holds back its queue
    headroom_milli: int = 0
    max_placements: int = 500  # per decision, so that a cycle stays short
    strategy: str = "pack"  # of STRATEGIES
    cluster_strategy: str = "load-balance"  # of CLUSTER_STRATEGIES
    topology: tuple[str, ...] = ("zone", "rack")  # labels of nodes, from coarse to fine
    price_label: str = "price"  # a node's price an hour, for `cheapest`
    fairness_mode: str = "corrected"  # of FAIRNESS_MODES
    k: float = 1.0  # usage sensitivity: how hard history bends what is above deserved (USG-25)
    round_to_units: bool = False
    expected_duration_us: int = 3_600_000_000  # of jobs that name neither estimate nor limit
    # Slurm's multifactor priority: weights of factors that lie between 0 and 1.
    weight_age: int = 1000
    weight_fair_share: int = 10_000
    weight_size: int = 0
    weight_priority: int = 1000
    max_age_us: int = 7 * 86_400_000_000  # age at which the age factor is 1
    damping: int = 1  # d of 2^(-U/S/d)
