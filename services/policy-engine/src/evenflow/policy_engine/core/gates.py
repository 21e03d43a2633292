"""The gates a job passes before it is placed: queues, limits, quotas. Pure checks with reasons."""

from collections.abc import Iterator

from evenflow.common.domain.decisions import PendingReason, ReasonCode
from evenflow.common.domain.job import JobSpec
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.resources import times
from evenflow.common.domain.state import ShardState
from evenflow.policy_engine.core.commitments import Commitments

_QUOTA_CODES = {
    "cpu": ReasonCode.QUOTA_CPU,
    "memory": ReasonCode.QUOTA_MEMORY,
    "gpu": ReasonCode.QUOTA_GPU,
}
PASSED_OVER = frozenset({ReasonCode.UNFITTABLE, ReasonCode.QUOTA_TYPE, ReasonCode.NO_CLUSTER})
"""Reasons that hold back the job alone; any other ends its queue's turn (SCH-12)."""


def closed_gate(state: ShardState, commitments: Commitments, spec: JobSpec) -> PendingReason | None:
    """Return why the job may not start now, room on nodes apart; None when every gate is open."""
    whole = times(spec.resources, spec.tasks)
    for path in lineage(spec.queue):
        reasons = (
            *_never(state, path, whole),
            *_queue(state, commitments, path, whole),
            *_quota(state, commitments, path, spec, whole),
        )
        if reasons:
            return reasons[0]
    return None


def _never(state: ShardState, path: str, whole: dict[str, int]) -> Iterator[PendingReason]:
    """Yield limits that are below the request itself: no waiting helps."""
    quota = state.quotas.get(path)
    limits = [(state.queues[path].limit or {}, "limit")]
    if quota is not None and quota.enforce:
        limits.append((quota.resources, "quota"))
    for amounts, kind in limits:
        for name, most in sorted(amounts.items()):
            if whole.get(name, 0) > most:
                yield PendingReason(
                    ReasonCode.UNFITTABLE,
                    {"queue": path, "resource": name, "wanted": whole[name], kind: most},
                )


def _queue(
    state: ShardState, commitments: Commitments, path: str, whole: dict[str, int]
) -> Iterator[PendingReason]:
    queue = state.queues[path]
    held = commitments.held(path)
    if not queue.enabled:
        yield PendingReason(ReasonCode.QUEUE_DISABLED, {"queue": path})
    if queue.max_concurrent_jobs is not None and held.jobs >= queue.max_concurrent_jobs:
        yield PendingReason(
            ReasonCode.QUEUE_FULL,
            {"queue": path, "max_concurrent_jobs": queue.max_concurrent_jobs},
        )
    for name, most in sorted((queue.limit or {}).items()):
        if whole.get(name, 0) and held.resources.get(name, 0) + whole[name] > most:
            yield PendingReason(
                ReasonCode.QUEUE_LIMIT,
                {"queue": path, "resource": name, "wanted": whole[name], "limit": most},
            )


def _quota(
    state: ShardState, commitments: Commitments, path: str, spec: JobSpec, whole: dict[str, int]
) -> Iterator[PendingReason]:
    quota = state.quotas.get(path)
    if quota is None or not quota.enforce:
        return
    held = commitments.held(path)
    most_of_type = quota.max_by_type.get(spec.job_type)
    if most_of_type is not None and held.by_type.get(spec.job_type, 0) >= most_of_type:
        yield PendingReason(
            ReasonCode.QUOTA_TYPE,
            {"queue": path, "job_type": spec.job_type, "quota": most_of_type},
        )
    if quota.max_jobs is not None and held.jobs >= quota.max_jobs:
        yield PendingReason(ReasonCode.QUOTA_JOBS, {"queue": path, "quota": quota.max_jobs})
    for name, most in sorted(quota.resources.items()):
        if whole.get(name, 0) and held.resources.get(name, 0) + whole[name] > most:
            code = _QUOTA_CODES.get(name, ReasonCode.QUOTA_OTHER)
            yield PendingReason(
                code, {"queue": path, "resource": name, "wanted": whole[name], "quota": most}
            )
