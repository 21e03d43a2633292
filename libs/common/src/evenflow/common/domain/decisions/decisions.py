"""What a cycle decides: placements, evictions, rejections, and why a job still waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class ReasonCode(StrEnum):
    """Why a pending job waits (JOB-10, extended)."""

    ORDER = "order"  # others of its queue, or other queues, go first
    CAPACITY = "capacity"  # not enough is free now
    UNFITTABLE = "unfittable"  # no node, limit or quota could ever hold it as they are today
    QUEUE_FULL = "queue_full"  # its queue, or one above it, runs max_concurrent_jobs already
    QUEUE_DISABLED = "queue_disabled"  # its queue, or one above it, starts nothing for now
    QUEUE_LIMIT = "queue_limit"  # a resource limit of its queue, or of one above it
    QUOTA_CPU = "quota_cpu"  # the CPU quota of its project is used up
    QUOTA_MEMORY = "quota_memory"  # the memory quota of its project is used up
    QUOTA_GPU = "quota_gpu"  # the GPU quota of its project is used up
    QUOTA_OTHER = "quota_other"  # a quota on a resource with no code of its own
    QUOTA_JOBS = "quota_jobs"  # its project runs as many jobs as its quota allows
    QUOTA_BUDGET = "quota_budget"  # the GPU-hours of its project for this period are used up
    QUOTA_TYPE = "quota_type"  # its project runs as many jobs of this type as its quota allows
    PROVIDER_UNAVAILABLE = "provider_unavailable"  # whoever holds the quotas does not answer
    NO_CLUSTER = "no_cluster"  # no node of its executor's cluster is known
    BACKOFF = "backoff"  # it waits before its next attempt
    RESERVED = "reserved"  # it would take what a reservation keeps for others
    STOPPING = "stopping"  # jobs that were told to stop in its favour have not ended yet


@dataclass(frozen=True, slots=True)
class PendingReason:
    """A code and the numbers behind it, such as `{resource: gpu, wanted: 4000, free: 1000}`.

    Words are made when asked.
    """

    code: ReasonCode
    detail: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskPlacement:
    """Where one task goes. `devices` are GPU indices on the node."""

    node: str
    devices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """All tasks of one attempt of a job, in task order."""

    job_id: str
    attempt: int
    tasks: tuple[TaskPlacement, ...]


class EvictionReason(StrEnum):
    """Why a live job is stopped and goes back to its queue."""

    NODE_LOST = "node_lost"
    RECLAIMED = "reclaimed"  # its queue held more than its fair share while another had less
    PREEMPTED = "preempted"  # a job of higher priority takes its room
    CONSOLIDATED = "consolidated"  # it is to go on elsewhere, so that another one fits


FOR_OTHERS: Final = frozenset(
    {EvictionReason.RECLAIMED, EvictionReason.PREEMPTED, EvictionReason.CONSOLIDATED}
)
"""Why a job is stopped that could have gone on."""


@dataclass(frozen=True, slots=True)
class Eviction:
    """A live attempt to stop; the job waits again under its old position."""

    job_id: str
    attempt: int
    reason: EvictionReason
    detail: str = ""
    beneficiary: str = ""  # id of the job that gets its room; empty: nobody waits for it


@dataclass(frozen=True, slots=True)
class Rejection:
    """A pending job that breaks a rule for good."""

    job_id: str
    message: str


@dataclass(frozen=True, slots=True)
class ReasonChange:
    """A pending job's reason, where it differs from the one last decided."""

    job_id: str
    reason: PendingReason
