"""What REST says about queues, quotas and nodes: the folded state as JSON documents. Pure."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.queues.quota import JOB_TYPES, Quota
from evenflow.common.domain.quotas.budget import spent_of
from evenflow.common.domain.resources import MILLI
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.jobs.documents import iso, seconds
from evenflow.gateway.queues.rules.fields import shown_amount
from evenflow.gateway.queues.rules.shares import Shares


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


class NodeDocument(TypedDict):
    """A node, what jobs hold on it, and what is free. `devices` maps GPUs to thousandths in use.

    `labels` and `taints` are those that hold: what operators said, over what the cluster says.
    `executor` is what jobs must name to come here.
    """

    name: str
    cluster: str
    executor: str
    is_ready: bool
    is_cordoned: bool
    capacity: Mapping[str, int]
    held: Mapping[str, int]
    free: Mapping[str, int]
    devices: Mapping[int, int]
    labels: Mapping[str, str]
    taints: Mapping[str, str]


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
        target_wait_seconds=seconds(queue.target_wait_us),
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


def quota_document(
    state: ShardState, path: str, quota: Quota, provider: str, now: Instant
) -> dict[str, Any]:
    """Return a quota with what is used of it (QTA-03, QTA-04, QTA-19); null is unlimited.

    Used amounts are sums over live jobs, so they are right at any time: `synced_at` is now.
    GPU-hours are those of the budget's current period, up to now.
    """
    held = state.ledger.held(path)
    document: dict[str, Any] = {"project_id": path}
    for name in ("cpu", "memory", "gpu"):
        most = quota.resources.get(name)
        document |= _quantity(
            name,
            None if most is None else shown_amount(name, most),
            shown_amount(name, held.resources.get(name, 0)),
            f"{name}_quota",
            f"used_{name}",
        )
    document |= _budget(state, quota, now)
    document |= _quantity("jobs", quota.max_jobs, held.jobs, "max_concurrent_jobs", "current_jobs")
    for job_type in JOB_TYPES:
        document[f"max_{job_type}_jobs"] = quota.max_by_type.get(job_type)
        document[f"current_{job_type}_jobs"] = held.by_type.get(job_type, 0)
    others = sorted((quota.resources.keys() | held.resources.keys()) - {"cpu", "memory", "gpu"})
    return document | {
        "resources": {
            name: {"quota": quota.resources.get(name), "used": held.resources.get(name, 0)}
            for name in others
        },
        "enforce_quota": quota.enforce,
        "provider": provider,
        "synced_at": iso(now),
        "created_at": iso(quota.created_at) if quota.created_at else None,
        "updated_at": iso(quota.updated_at) if quota.updated_at else None,
    }


def _budget(state: ShardState, quota: Quota, now: Instant) -> dict[str, float | str | None]:
    names = "gpu_hours_budget", "used_gpu_hours"
    spent = spent_of(state, quota, now)
    if spent is None:
        nothing: dict[str, float | str | None] = {
            "budget_period": None,
            "budget_period_start": None,
            "budget_period_end": None,
        }
        return {**_quantity("gpu_hours", None, 0.0, *names), "used_gpu_hours": None, **nothing}
    return {
        **_quantity("gpu_hours", spent.budget / MILLI, spent.used / MILLI, *names),
        "budget_period": quota.period,
        "budget_period_start": iso(spent.period_start),
        "budget_period_end": iso(spent.period_end),
    }


def _quantity(
    name: str, most: float | None, used: float, most_key: str, used_key: str
) -> dict[str, float | None]:
    return {
        most_key: most,
        used_key: used,
        f"available_{name}": None if most is None else max(0, most - used),
        f"{name}_usage_percent": 100 * used / most if most else 0,
    }


def node_document(state: ShardState, name: str) -> NodeDocument:
    """Return a node as a document; raises KeyError when it is not known."""
    node = state.nodes[name]
    held = state.ledger.nodes.get(name)
    used = held.resources if held else {}
    return NodeDocument(
        name=name,
        cluster=node.cluster,
        executor=node.kind,
        is_ready=node.is_ready,
        is_cordoned=name in state.cordoned,
        capacity=dict(node.capacity),
        held=dict(used),
        free={kind: amount - used.get(kind, 0) for kind, amount in node.capacity.items()},
        devices=dict(held.devices) if held else {},
        labels=dict(node.labels),
        taints={taint.key: taint.value for taint in node.taints},
    )
