"""Who says what a project may hold: the interface of quota providers (QTA-01).

A provider answers inside a cycle, from what the log has told: it is pure, and whatever lives in
another system reaches it as facts. Amounts are those of the whole workload, not of one task.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.ledger import Held
from evenflow.common.domain.state.shard_state import ShardState


@dataclass(frozen=True, slots=True)
class QuotaInfo:
    """A quota and what is used of it."""

    quota: Quota
    used: Mapping[str, int] = field(default_factory=dict)
    jobs: int = 0
    jobs_by_type: Mapping[str, int] = field(default_factory=dict)
    gpu_hours: int = 0  # thousandths, of the budget's current period; 0 without a budget


@dataclass(frozen=True, slots=True)
class QuotaVerdict:
    """True when granted; else `reason` says why not, and `path` whose quota stands in the way.

    A reason `unfittable` means that the request alone is above the quota: no waiting helps.
    """

    reason: PendingReason | None = None
    path: str = ""

    def __bool__(self) -> bool:
        """Whether it is granted."""
        return self.reason is None


GRANTED: Final = QuotaVerdict()


class Holdings(Protocol):
    """What workloads hold, one record each: the live ones of the log, and what a cycle changed.

    Used amounts are sums of records, so they cannot drift (QTA-07).
    """

    def held(self, path: str) -> Held:
        """Return what is held at a queue and below it. Not to be changed."""

    def has(self, workload_id: str) -> bool:
        """Whether the workload has a record."""

    def add(self, workload_id: str, path: str, resources: Resources, job_type: str) -> None:
        """Record a workload of the queue at `path`; nothing happens when it has a record."""

    def remove(self, workload_id: str) -> None:
        """Drop the workload's record; nothing happens when it has none."""


class QuotaProvider(Protocol):
    """Decides for one cycle. `project_id` is a project, or the path of a queue in it.

    Deeper queues may carry quotas of their own: all those from the project down to the path hold.
    """

    def get_quota(self, project_id: str) -> QuotaInfo | None:
        """Return the quota set right there; None when there is none, which means unlimited."""

    def check_quota(self, project_id: str, resources: Resources, job_type: str) -> QuotaVerdict:
        """Say whether so much more may be held now. Equality with a quota of resources passes.

        A budget that is used up, exactly or more, refuses what asks for GPUs.

        What no waiting helps is told first, as `unfittable`, whatever is held: the engine asks
        such a workload again only when nodes, queues, quotas or settings have changed.
        """

    def allocate_quota(
        self, project_id: str, resources: Resources, job_type: str, workload_id: str
    ) -> bool:
        """Check and take in one step; true when the workload holds it, also from before."""

    def release_quota(
        self, project_id: str, resources: Resources, job_type: str, workload_id: str
    ) -> None:
        """Give back what the workload holds; nothing happens when that is nothing."""

    def sync_quota_state(self) -> None:
        """Take in what the provider's source has told since; allocations stand."""


@runtime_checkable
class QuotaProviderKind(Protocol):
    """One registration of the family `quota_providers`."""

    @property
    def name(self) -> str:
        """What the setting `quota.provider` says."""

    def provider(self, state: ShardState, holdings: Holdings, now: Instant = 0) -> QuotaProvider:
        """Return the provider of one cycle; cheap, for there are thousands of cycles a minute.

        `now` is when the cycle decides, on the shard's clock: what a provider knows of time. Kinds
        that take no `now` work too; they are not told.
        """
