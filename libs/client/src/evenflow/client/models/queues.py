"""Queues, their quotas, and what applying a fleet of them did."""

from typing import Any, TypedDict


class Queue(TypedDict, total=False):
    """A queue; in definitions every field but the path is optional, and None clears a field."""

    id: str
    project_id: str
    path: str
    name: str
    description: str
    priority: int
    weight: float
    deserved: dict[str, Any] | None
    limit: dict[str, Any] | None
    max_concurrent_jobs: int | None
    enabled: bool
    policy: str | None
    target_wait_seconds: float | None
    is_leaf: bool
    held: dict[str, int]
    held_ratio: float
    weight_ratio: float
    total_jobs: int
    running_jobs: int
    pending_jobs: int
    created_at: str
    updated_at: str


class AppliedResult(TypedDict):
    """What applying a fleet did to one queue or quota; `changes` maps fields to old and new."""

    path: str
    kind: str  # queue, quota
    outcome: str  # created, changed, unchanged
    changes: dict[str, list[Any]]


class Applied(TypedDict):
    """What applying a fleet did."""

    results: list[AppliedResult]
    created: int
    changed: int
    unchanged: int


Quota = dict[str, Any]
"""Limits, use and what is left of a project or queue (API-14)."""
