"""The gates a job passes before it is placed: queues, limits, quotas. Pure checks with reasons."""

from typing import Final

from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.plugins.quota_provider import (
    GRANTED,
    Holdings,
    QuotaProvider,
    QuotaVerdict,
)
from evenflow.common.domain.queues.queue import Queue, lineage
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.gates.local_quotas import LOCAL

PARKED: Final = frozenset({ReasonCode.UNFITTABLE, ReasonCode.NO_CLUSTER})
"""Reasons that hold until nodes, queues, quotas or settings change; such a job blocks nobody."""


class Gates:
    """What limits and quotas say to a demand, while one cycle decides."""

    def __init__(self, state: ShardState, holdings: Holdings, quotas: QuotaProvider) -> None:
        """All are as the cycle sees them."""
        self._state: Final = state
        self._holdings: Final = holdings
        self._quotas: Final = quotas

    def judge(
        self, level: str, whole: Resources, job_type: str
    ) -> tuple[str, PendingReason] | None:
        """Return which level refuses so much more below `level`, and why; None when none does.

        Levels are asked from the project down, each first for its queue, then for its quota. What
        no waiting helps is told first, whatever is held, with a reason of `PARKED`.
        """
        queues = self._state.queues
        for path in lineage(level):
            queue = queues[path]
            if queue.limit and (reason := _above_limit(queue, queue.limit, whole)) is not None:
                return path, reason
        verdict = self._verdict(level, whole, job_type)
        if verdict.reason is not None and verdict.reason.code in PARKED:
            return verdict.path or level, verdict.reason
        for path in lineage(level):
            if (reason := _queue(queues[path], self._holdings, whole)) is not None:
                return path, reason
            if verdict.reason is not None and verdict.path == path:
                return path, verdict.reason
        if verdict.reason is not None:  # of a provider that names no level
            return level, verdict.reason
        return None

    def _verdict(self, level: str, whole: Resources, job_type: str) -> QuotaVerdict:
        return self._quotas.check_quota(level, whole, job_type) if level else GRANTED


def scope_of(state: ShardState, leaf: str, provider: str) -> str:
    """Return the deepest level at or above a leaf that may refuse a job; empty when none may.

    What a provider that is not ours looks at is not known, so any level may.
    """
    if provider != LOCAL.name:
        return leaf
    for path in reversed(lineage(leaf)):
        queue = state.queues[path]
        if (
            queue.limit
            or queue.max_concurrent_jobs is not None
            or not queue.enabled
            or path in state.quotas
        ):
            return path
    return ""


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
