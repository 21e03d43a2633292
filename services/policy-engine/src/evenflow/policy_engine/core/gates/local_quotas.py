"""The provider `local`: quotas are facts in the log, and what is used is what live jobs hold.

Between cycles the fold keeps the records: placing a job allocates, its end or return to the queue
releases, by the same ledger (QTA-08). Inside a cycle they are the cycle's commitments.
"""

from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.plugins.quota_provider import GRANTED, Holdings, QuotaInfo, QuotaVerdict
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.budget import Spent, spent_of
from evenflow.common.domain.state.ledger import Held
from evenflow.common.domain.state.shard_state import ShardState

_CODES: Final = {
    "cpu": ReasonCode.QUOTA_CPU,
    "memory": ReasonCode.QUOTA_MEMORY,
    "gpu": ReasonCode.QUOTA_GPU,
}


@dataclass(frozen=True, slots=True)
class LocalQuotas:
    """`QuotaProvider` over the folded quotas.

    Budgets are looked up once a cycle: what it starts has used nothing yet, whatever it holds.
    """

    state: ShardState
    holdings: Holdings
    now: Instant = 0
    spent: dict[str, Spent | None] = field(default_factory=dict, init=False, compare=False)

    def get_quota(self, project_id: str) -> QuotaInfo | None:
        """See the interface."""
        quota = self.state.quotas.get(project_id)
        if quota is None:
            return None
        held = self.holdings.held(project_id)
        spent = self._spent(quota)
        used = 0 if spent is None else spent.used
        return QuotaInfo(quota, held.resources, held.jobs, held.by_type, used)

    def check_quota(self, project_id: str, resources: Resources, job_type: str) -> QuotaVerdict:
        """See the interface. The first quota that refuses is told, from the project down."""
        if not self.state.quotas:
            return GRANTED
        found = (self.state.quotas.get(path) for path in lineage(project_id))
        quotas = [quota for quota in found if quota is not None and quota.enforce]
        for quota in quotas:
            if (reason := _never(quota, resources)) is not None:
                return QuotaVerdict(reason, quota.path)
        for quota in quotas:
            held = self.holdings.held(quota.path)
            if (reason := _now(quota, held, resources, job_type)) is not None:
                return QuotaVerdict(reason, quota.path)
            if resources.get("gpu") and (spent := self._spent(quota)) and spent.is_used_up:
                return QuotaVerdict(_budget(quota, spent), quota.path)
        return GRANTED

    def _spent(self, quota: Quota) -> Spent | None:
        if quota.gpu_hours is None:
            return None
        if quota.path not in self.spent:
            self.spent[quota.path] = spent_of(self.state, quota, self.now)
        return self.spent[quota.path]

    def allocate_quota(
        self, project_id: str, resources: Resources, job_type: str, workload_id: str
    ) -> bool:
        """See the interface."""
        if self.holdings.has(workload_id):
            return True
        if not self.check_quota(project_id, resources, job_type):
            return False
        self.holdings.add(workload_id, project_id, resources, job_type)
        return True

    def release_quota(
        self,
        project_id: str,  # noqa: ARG002 - the record knows
        resources: Resources,  # noqa: ARG002
        job_type: str,  # noqa: ARG002
        workload_id: str,
    ) -> None:
        """See the interface. What was recorded is given back, whatever is said now."""
        self.holdings.remove(workload_id)

    def sync_quota_state(self) -> None:
        """See the interface. The fold has taken in everything already."""


@dataclass(frozen=True, slots=True)
class LocalKind:
    """`QuotaProviderKind` of the quotas that are set through the API (QTA-09)."""

    name: str = "local"

    def provider(self, state: ShardState, holdings: Holdings, now: Instant = 0) -> LocalQuotas:
        """See the interface."""
        return LocalQuotas(state, holdings, now)


LOCAL: Final = LocalKind()


def _never(quota: Quota, resources: Resources) -> PendingReason | None:
    """Say which resource alone is above the quota."""
    for name, most in sorted(quota.resources.items()):
        if (wanted := resources.get(name, 0)) > most:
            return PendingReason(
                ReasonCode.UNFITTABLE,
                {"queue": quota.path, "resource": name, "wanted": wanted, "quota": most},
            )
    return None


def _budget(quota: Quota, spent: Spent) -> PendingReason:
    detail: dict[str, str | int] = {
        "queue": quota.path,
        "budget": spent.budget,
        "period": quota.period or "",
        "until": spent.period_end,
    }
    return PendingReason(ReasonCode.QUOTA_BUDGET, detail)


def _now(quota: Quota, held: Held, resources: Resources, job_type: str) -> PendingReason | None:
    """Say what is used up (QTA-04, QTA-05)."""
    path = quota.path
    of_type = quota.max_by_type.get(job_type)
    if of_type is not None and held.by_type.get(job_type, 0) >= of_type:
        detail: dict[str, str | int] = {"queue": path, "job_type": job_type, "quota": of_type}
        return PendingReason(ReasonCode.QUOTA_TYPE, detail)
    if quota.max_jobs is not None and held.jobs >= quota.max_jobs:
        return PendingReason(ReasonCode.QUOTA_JOBS, {"queue": path, "quota": quota.max_jobs})
    for name, most in sorted(quota.resources.items()):
        wanted = resources.get(name, 0)
        if wanted and held.resources.get(name, 0) + wanted > most:
            detail = {"queue": path, "resource": name, "wanted": wanted, "quota": most}
            return PendingReason(_CODES.get(name, ReasonCode.QUOTA_OTHER), detail)
    return None
