"""GPU-hour budgets: what a queue's jobs have held in this day, week or month. Pure.

GPU time is a task's GPUs times the microseconds from its placement to the end of its attempt. Every
period begins at midnight UTC, so GPU time is kept by days: of attempts that ended in
`state.budget_used`, of live ones in `state.ledger.gpus_since`. It is kept for all queues, so a
budget that is set or changed in the middle of a period counts what the period has seen.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from evenflow.common.domain.clock import DAY, HOUR, Instant
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState

DAYS_KEPT: Final = 31
"""Days before the newest one are remembered as long as a month may reach back."""
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_WEEKDAY_OF_DAY_0: Final = 3  # a Thursday; Monday is 0


@dataclass(frozen=True, slots=True)
class Spent:
    """A budget and how much of its current period is used, in thousandths of GPU-hours."""

    budget: int
    used: int  # rounded down
    is_used_up: bool  # exact
    period_start: Instant
    period_end: Instant


def period_start(period: str, at: Instant) -> Instant:
    """Return when the UTC day, week (from Monday) or month of an instant began."""
    day = at // DAY
    if period == "day":
        return day * DAY
    if period == "week":
        return (day - (day + _WEEKDAY_OF_DAY_0) % 7) * DAY
    return (day - date.fromordinal(_EPOCH_ORDINAL + day).day + 1) * DAY


def period_end(period: str, at: Instant) -> Instant:
    """Return when the period of an instant ends, which is when the next one begins."""
    start = period_start(period, at)
    if period == "day":
        return start + DAY
    if period == "week":
        return start + 7 * DAY
    first = date.fromordinal(_EPOCH_ORDINAL + start // DAY)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return (following.toordinal() - _EPOCH_ORDINAL) * DAY


def budget_spent(state: ShardState, path: str, now: Instant) -> int:
    """Return the GPU time of the current period at a queue and below it: thousandths times us.

    0 without a budget. What runs is counted up to `now`. It costs the same however many jobs run:
    at most a month of days is looked at.
    """
    quota = state.quotas.get(path)
    if quota is None or quota.gpu_hours is None or quota.period is None:
        return 0
    start = period_start(quota.period, now)
    first = start // DAY
    used = sum(amount for day, amount in state.budget_used.get(path, {}).items() if day >= first)
    live = 0
    for day, held in state.ledger.gpus_since.get(path, {}).items():
        live += held.gpus * now - held.weighted if day >= first else held.gpus * (now - start)
    return used + max(0, live)  # who placed a job may be ahead of whoever asks


def spent_of(state: ShardState, quota: Quota, now: Instant) -> Spent | None:
    """Return how a quota's budget stands; None when it has none."""
    if quota.gpu_hours is None or quota.period is None:
        return None
    used = budget_spent(state, quota.path, now)
    return Spent(
        quota.gpu_hours,
        used // HOUR,
        used >= quota.gpu_hours * HOUR,
        period_start(quota.period, now),
        period_end(quota.period, now),
    )


def next_budget_turn(state: ShardState, now: Instant) -> Instant | None:
    """Return when the next period of any budget begins; None when there are no budgets.

    Then jobs that wait as `quota_budget` may go on.
    """
    return min((period_end(period, now) for period in sorted(state.budgets)), default=None)


def put_quota(state: ShardState, quota: Quota) -> None:
    """Let a quota hold in place of the one that its path had."""
    drop_quota(state, quota.path)
    state.quotas[quota.path] = quota
    if quota.period is not None:
        state.budgets[quota.period] = state.budgets.get(quota.period, 0) + 1


def drop_quota(state: ShardState, path: str) -> None:
    """Let a path have no quota."""
    quota = state.quotas.pop(path, None)
    if quota is not None and quota.period is not None:
        state.budgets[quota.period] -= 1
        if not state.budgets[quota.period]:
            del state.budgets[quota.period]


def note_gpu_time(
    state: ShardState, paths: tuple[str, ...], gpus: int, start: Instant, end: Instant
) -> None:
    """Add what an attempt that ended has used to the days of its queues, each day its part."""
    start = max(start, end - DAYS_KEPT * DAY)
    while start < end:
        day = start // DAY
        until = min(end, (day + 1) * DAY)
        for path in paths:
            used = state.budget_used.get(path)
            if used is None:
                used = state.budget_used[path] = {}
            if day in used:
                used[day] += gpus * (until - start)
            else:
                used[day] = gpus * (until - start)
                _forget_old(used)
        start = until


def _forget_old(used: dict[int, int]) -> None:
    if len(used) > DAYS_KEPT + 1:
        newest = max(used)
        for day in [day for day in used if day < newest - DAYS_KEPT]:
            del used[day]
