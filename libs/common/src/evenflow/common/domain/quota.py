"""Project quotas (QTA rows): what a subtree of the queue tree may hold at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue

QUOTA_PROVIDERS: Final = ("local",)
"""Those that come with Evenflow; others are installed."""
JOB_TYPES: Final = ("training", "inference", "workflow")


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of the queue at `path` and everything below it.

    A resource absent from `resources` is unlimited, 0 means none; likewise `max_jobs` None and
    types absent from `max_by_type`. With `enforce` false all passes, and is still counted (QTA-06).
    """

    path: str
    resources: Mapping[str, int] = field(default_factory=dict)
    max_jobs: int | None = None
    max_by_type: Mapping[str, int] = field(default_factory=dict)
    enforce: bool = True
    created_at: Instant = 0
    updated_at: Instant = 0


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
