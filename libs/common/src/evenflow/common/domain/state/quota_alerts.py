"""How near a queue is to the limits of its quota, and what has been told of that. Pure.

`state.quota_levels` holds, for each path and limit, the threshold that was told last as reached, in
thousandths of the limit. It is a fold of the log, so nothing is told twice, by whomever.
"""

from typing import Final

from evenflow.common.domain.facts.quotas import QuotaAlert
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState

MAX_JOBS: Final = "max_concurrent_jobs"
BUDGET: Final = "gpu_hours_budget"


def limits_of(quota: Quota) -> dict[str, int]:
    """Return the limits of a quota that can be reached, by name; one of 0 cannot be used at all.

    Resources go by their own names, in their units; numbers of jobs and the budget (thousandths of
    GPU-hours) by the names that definitions have for them.
    """
    limits = {name: quota.resources[name] for name in sorted(quota.resources)}
    if quota.max_jobs is not None:
        limits[MAX_JOBS] = quota.max_jobs
    for job_type in sorted(quota.max_by_type):
        limits[f"max_{job_type}_jobs"] = quota.max_by_type[job_type]
    if quota.gpu_hours is not None:
        limits[BUDGET] = quota.gpu_hours
    return {name: limit for name, limit in limits.items() if limit > 0}


def take_alert(state: ShardState, alert: QuotaAlert) -> str | None:
    """Note which level was told; return why the record is void, None when it stands."""
    quota = state.quotas.get(alert.path)
    if quota is None:
        return "it has no quota"
    if alert.limit_name not in limits_of(quota):
        return f"its quota has no {alert.limit_name}"
    levels = state.quota_levels.get(alert.path, {})
    if levels.get(alert.limit_name, 0) == alert.level:
        return f"{alert.limit_name} was told already"
    levels[alert.limit_name] = alert.level
    _keep(state, alert.path, levels)
    return None


def forget_other_limits(state: ShardState, quota: Quota) -> None:
    """Forget what was told of limits that the path's quota does not have any more."""
    levels = state.quota_levels.get(quota.path)
    if levels is not None:
        limits = limits_of(quota)
        _keep(state, quota.path, {name: levels[name] for name in levels if name in limits})


def _keep(state: ShardState, path: str, levels: dict[str, int]) -> None:
    reached = {name: level for name, level in levels.items() if level > 0}
    if reached:
        state.quota_levels[path] = reached
    else:
        state.quota_levels.pop(path, None)
