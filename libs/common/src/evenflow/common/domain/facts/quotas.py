"""Facts about quotas."""

from dataclasses import dataclass

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.quotas.quota import Quota


@dataclass(frozen=True, slots=True)
class Set:
    """Quotas were set; each record is the whole quota of its path."""

    quotas: tuple[Quota, ...]


@dataclass(frozen=True, slots=True)
class QuotaAlert:
    """What a queue uses of one limit of its quota has crossed a threshold, upwards or back.

    `level` is the highest threshold that counts as reached now, in thousandths of the limit; 0
    when none does. `used` and `limit` are in the units of the limit.
    """

    path: str
    limit_name: str  # a resource, or max_concurrent_jobs, max_<type>_jobs, gpu_hours_budget
    level: int
    is_raised: bool  # false: it fell back
    used: int
    limit: int
    period_start: Instant | None = None  # of a budget


@dataclass(frozen=True, slots=True)
class Alerted:
    """Queues came near their quotas, reached them, or left them again (BEY-17)."""

    alerts: tuple[QuotaAlert, ...]
