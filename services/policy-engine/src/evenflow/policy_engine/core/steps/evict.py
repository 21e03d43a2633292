"""Stop what lost its node."""

from evenflow.common.domain.decisions.decisions import Eviction, EvictionReason
from evenflow.policy_engine.core.session.session import Pass


def evict(work: Pass) -> None:
    """Stop attempts with a task on a node that is gone or not ready. Cordoned nodes keep theirs."""
    shard = work.state.shard
    evicted: dict[str, None] = {}
    for name in sorted(work.state.lost):
        for job_id in work.state.live_jobs_on(name):
            if work.is_long:
                return
            job = shard.jobs[job_id]
            if job.ending is None and job_id not in evicted:
                evicted[job_id] = None
                work.length += 2
                work.evictions.append(
                    Eviction(job_id, job.attempt, EvictionReason.NODE_LOST, f"node {name}")
                )
