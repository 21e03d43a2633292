"""The gates a job passes before it is placed: queues, limits, quotas. Pure checks with reasons."""

from typing import Final

from evenflow.common.domain.decisions import PendingReason, ReasonCode
from evenflow.common.domain.job import JobSpec
from evenflow.common.domain.queue import Queue, lineage
from evenflow.common.domain.quota_provider import Holdings, QuotaVerdict
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state import ShardState
from evenflow.policy_engine.core.rooms import Rooms

PARKED: Final = frozenset({ReasonCode.UNFITTABLE, ReasonCode.NO_CLUSTER})
"""Reasons that hold until nodes, queues, quotas or settings change; such a job blocks nobody."""


def hopeless(
    state: ShardState, rooms: Rooms, verdict: QuotaVerdict, spec: JobSpec, whole: Resources
) -> PendingReason | None:
    """Return what no waiting helps: a limit, a quota or a cluster too small for the job alone.

    The answer depends on nodes, queues and quotas, never on what is held: so a job may be left out
    of the order until one of those changes, and is told the same whenever it is asked.
    """
    for path in lineage(spec.queue):
        queue = state.queues[path]
        if queue.limit and (reason := _above_limit(queue, queue.limit, whole)) is not None:
            return reason
    if verdict.reason is not None and verdict.reason.code in PARKED:
        return verdict.reason
    if not rooms.has_cluster(spec.executor):
        return PendingReason(ReasonCode.NO_CLUSTER, {"executor": spec.executor})
    if not rooms.could_hold(spec.executor, spec.resources, spec.tasks):
        largest = {f"largest_{k}": v for k, v in sorted(rooms.largest(spec.executor).items())}
        return PendingReason(ReasonCode.UNFITTABLE, {"tasks": spec.tasks, **largest})
    return None


def closed_gate(
    state: ShardState, holdings: Holdings, verdict: QuotaVerdict, spec: JobSpec, whole: Resources
) -> PendingReason | None:
    """Return why the job may not start now, room on nodes apart; None when every gate is open.

    Levels are asked from the project down, each first for its queue, then for its quota; `whole`
    is what all the job's tasks want.
    """
    for path in lineage(spec.queue):
        if (reason := _queue(state.queues[path], holdings, whole)) is not None:
            return reason
        if verdict.reason is not None and verdict.path == path:
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
