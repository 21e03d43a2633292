"""Which quotas are nearly used up, or are not any more: the alerts that are due. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.facts.quotas import QuotaAlert
from evenflow.common.domain.quotas.quota import JOB_TYPES, Quota
from evenflow.common.domain.resources import MILLI
from evenflow.common.domain.state.budget import spent_of
from evenflow.common.domain.state.quota_alerts import BUDGET, MAX_JOBS, limits_of
from evenflow.common.domain.state.shard_state import ShardState


@dataclass(frozen=True, slots=True)
class AlertRule:
    """At which thousandths of a limit an alert is due, and how far usage must fall before again.

    `thresholds` grow.
    """

    thresholds: tuple[int, ...]
    hysteresis: int

    @classmethod
    def of_ratios(cls, thresholds: Sequence[float], hysteresis: float) -> "AlertRule":
        """Return the rule of ratios of the limit."""
        return cls(tuple(round(each * MILLI) for each in thresholds), round(hysteresis * MILLI))

    def level(self, used: int, limit: int, known: int) -> int:
        """Return the highest threshold that counts as reached, if `known` did until now."""
        reached = 0
        for threshold in self.thresholds:
            # What counts as reached goes on to do so until usage falls clearly below it.
            least = threshold if threshold > known else threshold - self.hysteresis
            if used > 0 and used * MILLI >= least * limit:
                reached = threshold
        return reached


def due_alerts(
    state: ShardState, paths: Iterable[str], rule: AlertRule, now: Instant
) -> list[QuotaAlert]:
    """Return what has crossed a threshold since its last alert, by path and limit."""
    alerts: list[QuotaAlert] = []
    for path in sorted(paths):
        quota = state.quotas.get(path)
        if quota is None:
            continue
        known = state.quota_levels.get(path, {})
        used, period_start = _used(state, quota, now)
        for name, limit in limits_of(quota).items():
            before = known.get(name, 0)
            level = rule.level(used.get(name, 0), limit, before)
            if level != before:
                start = period_start if name == BUDGET else None
                alerts.append(
                    QuotaAlert(path, name, level, level > before, used.get(name, 0), limit, start)
                )
    return alerts


def _used(state: ShardState, quota: Quota, now: Instant) -> tuple[dict[str, int], Instant | None]:
    held = state.ledger.held(quota.path)
    used = dict(held.resources)
    used[MAX_JOBS] = held.jobs
    used |= {f"max_{each}_jobs": held.by_type.get(each, 0) for each in JOB_TYPES}
    spent = spent_of(state, quota, now)
    if spent is None:
        return used, None
    used[BUDGET] = spent.used
    return used, spent.period_start
