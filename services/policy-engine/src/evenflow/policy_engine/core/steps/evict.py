"""Stop what lost its node."""

from evenflow.common.domain.decisions.decisions import Eviction, EvictionReason
from evenflow.policy_engine.core.session.session import Session


def evict(session: Session) -> None:
    """Stop attempts with a task on a node that is gone or not ready. Cordoned nodes keep theirs."""
    shard = session.state.shard
    evicted: dict[str, None] = {}
    for name in sorted(session.state.lost_nodes):
        for job_id in session.state.live_jobs_on(name):
            if session.is_long:
                return
            job = shard.jobs[job_id]
            if job.ending is None and job_id not in evicted:
                evicted[job_id] = None
                session.length += 2
                session.evictions.append(
                    Eviction(job_id, job.attempt, EvictionReason.NODE_LOST, f"node {name}")
                )
