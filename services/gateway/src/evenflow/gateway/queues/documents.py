"""What REST says about queues: the folded state as JSON documents. Pure."""

from collections.abc import Mapping

from typing_extensions import TypedDict

from evenflow.common.domain.queues.queue import Queue
from evenflow.gateway.queues.rules.shares import Shares
from evenflow.gateway.values.instants import iso, seconds_or_none


class QueueDocument(TypedDict):
    """JOB-05, with the counters of JOB-06 and the queue's shares (0..1) of the cluster.

    Amounts are in thousandths for cpu and gpu, bytes for memory.
    """

    id: str
    path: str
    project_id: str
    name: str
    description: str
    priority: int
    weight: float
    deserved: Mapping[str, int] | None
    limit: Mapping[str, int] | None
    max_concurrent_jobs: int | None
    enabled: bool
    policy: str | None
    target_wait_seconds: float | None
    is_leaf: bool
    pending_jobs: int
    running_jobs: int
    total_jobs: int
    held: Mapping[str, int]
    held_ratio: float
    weight_ratio: float
    created_at: str
    updated_at: str


class QueueList(TypedDict):
    """Queues by path."""

    queues: list[QueueDocument]


def queue_document(shares: Shares, queue: Queue) -> QueueDocument:
    """Return a queue as a document."""
    state = shares.state
    held, count = state.ledger.held(queue.path), state.count(queue.path)
    return QueueDocument(
        id=queue.id,
        path=queue.path,
        project_id=queue.project,
        name=queue.name,
        description=queue.description,
        priority=queue.priority,
        weight=queue.weight,
        deserved=queue.deserved,
        limit=queue.limit,
        max_concurrent_jobs=queue.max_concurrent_jobs,
        enabled=queue.enabled,
        policy=queue.policy,
        target_wait_seconds=seconds_or_none(queue.target_wait_us),
        is_leaf=not state.children.get(queue.path),
        pending_jobs=count.pending,
        running_jobs=held.jobs,
        total_jobs=count.total,
        held=dict(held.resources),
        held_ratio=shares.held_ratio(queue.path),
        weight_ratio=shares.weight_ratio(queue.path),
        created_at=iso(queue.created_at),
        updated_at=iso(queue.updated_at),
    )
