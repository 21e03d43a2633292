"""What REST says about quotas: the folded state as JSON documents. Pure."""

from typing import Any

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.quotas.quota import JOB_TYPES, Quota
from evenflow.common.domain.resources import MILLI
from evenflow.common.domain.state.budget import spent_of
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.values.amounts import shown_amount
from evenflow.gateway.values.instants import iso


def quota_document(
    state: ShardState, path: str, quota: Quota, provider: str, now: Instant
) -> dict[str, Any]:
    """Return a quota with what is used of it (QTA-03, QTA-04, QTA-19); null is unlimited.

    Used amounts are sums over live jobs, so they are right at any time: `synced_at` is now.
    GPU-hours are those of the budget's current period, up to now.
    """
    held = state.ledger.held(path)
    document: dict[str, Any] = {"project_id": path}
    for name in ("cpu", "memory", "gpu"):
        most = quota.resources.get(name)
        document |= _quantity(
            name,
            None if most is None else shown_amount(name, most),
            shown_amount(name, held.resources.get(name, 0)),
            f"{name}_quota",
            f"used_{name}",
        )
    document |= _budget(state, quota, now)
    document |= _quantity("jobs", quota.max_jobs, held.jobs, "max_concurrent_jobs", "current_jobs")
    for job_type in JOB_TYPES:
        document[f"max_{job_type}_jobs"] = quota.max_by_type.get(job_type)
        document[f"current_{job_type}_jobs"] = held.by_type.get(job_type, 0)
    others = sorted((quota.resources.keys() | held.resources.keys()) - {"cpu", "memory", "gpu"})
    return document | {
        "resources": {
            name: {"quota": quota.resources.get(name), "used": held.resources.get(name, 0)}
            for name in others
        },
        "enforce_quota": quota.enforce,
        "provider": provider,
        "synced_at": iso(now),
        "created_at": iso(quota.created_at) if quota.created_at else None,
        "updated_at": iso(quota.updated_at) if quota.updated_at else None,
    }


def _budget(state: ShardState, quota: Quota, now: Instant) -> dict[str, float | str | None]:
    names = "gpu_hours_budget", "used_gpu_hours"
    spent = spent_of(state, quota, now)
    if spent is None:
        nothing: dict[str, float | str | None] = {
            "budget_period": None,
            "budget_period_start": None,
            "budget_period_end": None,
        }
        return {**_quantity("gpu_hours", None, 0.0, *names), "used_gpu_hours": None, **nothing}
    return {
        **_quantity("gpu_hours", spent.budget / MILLI, spent.used / MILLI, *names),
        "budget_period": quota.period,
        "budget_period_start": iso(spent.period_start),
        "budget_period_end": iso(spent.period_end),
    }


def _quantity(
    name: str, most: float | None, used: float, most_key: str, used_key: str
) -> dict[str, float | None]:
    return {
        most_key: most,
        used_key: used,
        f"available_{name}": None if most is None else max(0, most - used),
        f"{name}_usage_percent": 100 * used / most if most else 0,
    }
