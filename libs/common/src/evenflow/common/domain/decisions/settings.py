"""Settings a cycle decides with. They travel as a fact, so that a decision can be made again."""

from dataclasses import dataclass
from typing import Final

POLICIES: Final = (
    "fifo",
    "priority",
    "fairshare",
    "fair-tree",
    "multifactor",
    "shortest-first",
    "deadline",
)
"""Those that come with Evenflow; others are installed."""
STRATEGIES: Final = ("pack", "spread", "best-fit", "least-fragmentation", "cheapest")
"""How to choose among nodes that fit."""
CLUSTER_STRATEGIES: Final = ("load-balance", "best-fit", "priority", "affinity", "cost")
"""How to choose among clusters that fit (BEY-14)."""
FAIRNESS_MODES: Final = ("corrected", "kai")
BACKFILLS: Final = ("easy", "conservative", "off")
BACKFILL_ORDERS: Final = ("fcfs", "shortest")
ESTIMATES: Final = ("limit", "mean2", "learned")
"""What a job's run time is planned by: its limit, its user's last two runs, or all like it."""
PREEMPTION_SCOPES: Final = ("project", "cluster")


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
    backfill: str = "easy"  # of BACKFILLS
    backfill_order: str = "fcfs"  # of BACKFILL_ORDERS: in turn, or by shortest planned run time
    backfill_reservations: int = 1  # blocked jobs that nothing may delay, of each kind of cluster
    backfill_tested_jobs: int | None = None  # looked at in one cycle; None: all
    estimates: str = "limit"  # of ESTIMATES
    # Stopping what runs. Across queues toward fair share; by priority where the policy says so.
    reclaim: bool = True
    preempt: bool = True
    consolidate: bool = False  # move preemptible jobs so that a waiting one fits
    preemption_threshold: int = 10  # SCH-08: priorities further apart than this
    preemption_scope: str = "project"  # of PREEMPTION_SCOPES
    most_victims: int = 5  # stopped in one cycle
    minimum_run_us: int = 0  # nobody is stopped before it ran this long
    # Most GPU time that may be lost, in thousandths of GPU-seconds; None: no limit.
    lost_gpu_per_cycle: int | None = None
    lost_gpu_per_hour: int | None = None
