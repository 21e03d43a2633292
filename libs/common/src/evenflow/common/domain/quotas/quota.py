"""Project quotas (QTA rows): what a subtree of the queue tree may hold at once, or use in all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue

QUOTA_PROVIDERS: Final = ("local",)
"""Those that come with Evenflow; others are installed."""
JOB_TYPES: Final = ("training", "inference", "workflow")
PERIODS: Final = ("day", "week", "month")
"""Of a budget, in UTC; weeks begin on Monday."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of the queue at `path` and everything below it.

    A resource absent from `resources` is unlimited, 0 means none; likewise `max_jobs` None and
    types absent from `max_by_type`. With `enforce` false all passes, and is still counted (QTA-06).

    `gpu_hours` is a budget, in thousandths of GPU-hours in each `period`; both are given or
    neither. Once it is used up nothing with GPUs starts until the period turns; what runs goes on.
    """

    path: str
    resources: Mapping[str, int] = field(default_factory=dict)
    max_jobs: int | None = None
    max_by_type: Mapping[str, int] = field(default_factory=dict)
    enforce: bool = True
    created_at: Instant = 0
    updated_at: Instant = 0
    gpu_hours: int | None = None
    period: str | None = None  # of PERIODS


DEFAULT_QUOTA_RESOURCES: Final = {"cpu": 100_000, "memory": 500 * 2**30, "gpu": 10_000}  # QTA-03
DEFAULT_QUOTA_JOBS: Final = 50


def broken_rules(quota: Quota) -> Iterator[InvalidValue]:
    """Yield every rule of QTA-03 and QTA-04 that the quota breaks."""
    for name, amount in quota.resources.items():
        if amount < 0:
            yield InvalidValue(f"{name}_quota", amount, "must be at least 0; null means unlimited")
    if quota.max_jobs is not None and quota.max_jobs < 0:
        yield InvalidValue("max_concurrent_jobs", quota.max_jobs, "must be at least 0")
    for job_type, most in quota.max_by_type.items():
        if job_type not in JOB_TYPES:
            yield InvalidValue("job_type", job_type, f"must be one of {', '.join(JOB_TYPES)}")
        if most < 0:
            yield InvalidValue(
                f"max_{job_type}_jobs", most, "must be at least 0; null means no limit"
            )
    yield from _broken_budget(quota)


def _broken_budget(quota: Quota) -> Iterator[InvalidValue]:
    hours, period = quota.gpu_hours, quota.period
    if hours is not None and hours < 0:
        rule = "must be at least 0; null means unlimited"
        yield InvalidValue("gpu_hours_budget", hours / 1000, rule)
    if period is not None and period not in PERIODS:
        yield InvalidValue("budget_period", period[:40], f"must be one of {', '.join(PERIODS)}")
    if hours is not None and period is None:
        rule = f"is missing: a budget needs its period, one of {', '.join(PERIODS)}"
        yield InvalidValue("budget_period", None, rule)
    if hours is None and period is not None:
        rule = "is missing: a period needs its budget; null for both means unlimited"
        yield InvalidValue("gpu_hours_budget", None, rule)
