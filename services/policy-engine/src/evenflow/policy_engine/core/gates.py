"""The gates a job passes before it is placed: queues, limits, quotas. Pure checks with reasons."""

from typing import Final

from evenflow.common.domain.decisions import PendingReason, ReasonCode
from evenflow.common.domain.job import JobSpec
from evenflow.common.domain.queue import Queue, lineage
from evenflow.common.domain.quota_provider import Holdings, QuotaProvider
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state import ShardState

PASSED_OVER: Final = frozenset(
    {ReasonCode.UNFITTABLE, ReasonCode.QUOTA_TYPE, ReasonCode.NO_CLUSTER}
)
"""Reasons that hold back the job alone; any other ends its queue's turn (SCH-12)."""


def closed_gate(
    state: ShardState, holdings: Holdings, quotas: QuotaProvider, spec: JobSpec, whole: Resources
) -> PendingReason | None:
    """Return why the job may not start now, room on nodes apart; None when every gate is open.

    Levels are asked from the project down, each first for what no waiting helps; `whole` is what
    all the job's tasks want.
    """
    verdict = quotas.check_quota(spec.queue, whole, spec.job_type)
    is_hopeless = verdict.reason is not None and verdict.reason.code is ReasonCode.UNFITTABLE
    for path in lineage(spec.queue):
        queue = state.queues[path]
        is_refused_here = verdict.reason is not None and verdict.path == path
        if queue.limit and (reason := _above_limit(queue, queue.limit, whole)) is not None:
            return reason
        if is_refused_here and is_hopeless:
            return verdict.reason
        if (reason := _queue(queue, holdings, whole)) is not None:
            return reason
        if is_refused_here:
            return verdict.reason
    return verdict.reason  # of a provider that names no level


def _above_limit(queue: Queue, limit: Resources, whole: Resources) -> PendingReason | None:
    for name, most in sorted(limit.items()):
        if (wanted := whole.get(name, 0)) > most:
            return PendingReason(
                ReasonCode.UNFITTABLE,
                {"queue": queue.path, "resource": name, "wanted": wanted, "limit": most},
            )
    return None


def _queue(queue: Queue, holdings: Holdings, whole: Resources) -> PendingReason | None:
    most_jobs = queue.max_concurrent_jobs
    if not queue.enabled:
        return PendingReason(ReasonCode.QUEUE_DISABLED, {"queue": queue.path})
    if most_jobs is None and not queue.limit:
        return None
    held = holdings.held(queue.path)
    if most_jobs is not None and held.jobs >= most_jobs:
        detail: dict[str, str | int] = {"queue": queue.path, "max_concurrent_jobs": most_jobs}
        return PendingReason(ReasonCode.QUEUE_FULL, detail)
    for name, most in sorted((queue.limit or {}).items()):
        wanted = whole.get(name, 0)
        if wanted and held.resources.get(name, 0) + wanted > most:
            detail = {"queue": queue.path, "resource": name, "wanted": wanted, "limit": most}
            return PendingReason(ReasonCode.QUEUE_LIMIT, detail)
    return None
