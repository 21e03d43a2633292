"""What travels between a client and a gateway, as plain dictionaries.

REST documents the meaning of each field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from json import loads
from typing import Any, NotRequired, TypedDict

Number = float | str
"""A plain number in base units (cores, cards, GiB), or a quantity such as `500m` or `4Gi`."""


class GroupRequest(TypedDict, total=False):
    """Tasks of one role in a gang; only `name` is required. Requests are per task."""

    name: str
    tasks: int
    min_tasks: int
    cpu_request: Number
    memory_request: Number
    gpu_request: Number
    resources: dict[str, Number]


class Toleration(TypedDict):
    """A taint that a job bears; without a value: whatever the taint's value is."""

    key: str
    value: NotRequired[str | None]


class AntiAffinity(TypedDict, total=False):
    """Tasks that share no domain of a level: the job's own, or those of all jobs with this key."""

    level: str
    key: str | None


class Constraints(TypedDict, total=False):
    """Where tasks may go. Levels are labels of nodes, such as `rack`, or `node`.

    `selector` maps a label to a value, to several of which one will do, or to None: any value.
    """

    selector: dict[str, str | list[str] | None]
    tolerations: list[Toleration | str]
    anti_affinity: AntiAffinity | None
    required_level: str | None
    preferred_level: str | None
    strategy: str | None
    clusters: list[str]


class JobRequest(TypedDict, total=False):
    """The body of a submission; only `name` is required. Requests are per task.

    `groups` make a gang of several roles; they stand for `tasks`, `min_tasks` and all requests.
    """

    name: str
    job_type: str
    executor: str
    executor_config: dict[str, Any]
    project_id: str
    queue_id: str
    user_id: str
    priority: int
    preemptible: bool
    description: str
    tags: list[str]
    cpu_request: Number
    memory_request: Number
    gpu_request: Number
    resources: dict[str, Number]
    tasks: int
    min_tasks: int
    groups: list[GroupRequest]
    constraints: Constraints
    array: str
    time_limit_seconds: float
    estimated_duration_seconds: float
    deadline: float | str
    retry_limit: int
    backoff_limit: int


class ReservationRequest(TypedDict, total=False):
    """Room to keep in advance. Requests are per task; times are ISO, or seconds from now."""

    name: str
    queue_id: str
    start: float | str
    end: float | str
    duration_seconds: float
    tasks: int
    cpu_request: Number
    memory_request: Number
    gpu_request: Number
    resources: dict[str, Number]
    constraints: Constraints
    executor: str
    user_id: str


class Reservation(TypedDict):
    """Room kept in advance as the gateway shows it: planned, active, ended or cancelled."""

    id: str
    name: str
    queue: str
    status: str
    start: str
    end: str
    duration_seconds: float
    tasks: int
    cpu_request: float
    memory_request: float
    gpu_request: float
    resources: dict[str, int]
    executor: str
    constraints: Constraints | None
    created_by: str
    created_at: str
    cancelled_at: str | None
    cancelled_by: str | None


class Reason(TypedDict):
    """Why a job waits: a code and its numbers."""

    code: str
    detail: dict[str, Any]


class TaskPlace(TypedDict):
    """Where one task of a job is."""

    node: str
    devices: list[int]


class Group(TypedDict):
    """Tasks of one role as the gateway shows them; `placed_tasks` of `tasks` have a node."""

    name: str
    tasks: int
    min_tasks: int
    placed_tasks: int
    cpu_request: float
    memory_request: float
    gpu_request: float
    resources: dict[str, int]


class Job(TypedDict):
    """A job as the gateway shows it."""

    id: str
    name: str
    job_type: str
    executor: str
    status: str
    phase: str
    project_id: str
    user_id: str
    queue_id: str | None
    queue: str
    priority: int
    preemptible: bool
    description: str
    tags: list[str]
    tasks: int
    min_tasks: int
    placed_tasks: int
    groups: list[Group]
    constraints: Constraints | None
    cpu_request: float
    memory_request: float
    gpu_request: float
    resources: dict[str, int]
    time_limit_seconds: float | None
    estimated_duration_seconds: float | None
    deadline: str | None
    retry_limit: int
    backoff_limit: int
    executor_config: dict[str, Any]
    array_id: str | None
    array_index: int | None
    queue_position: int | None
    reason: Reason | None
    blocked_reason: str | None
    attempt: int
    placement: list[TaskPlace]
    nodes: list[str]
    cancel_requested: bool
    exit_code: int | None
    error_message: str | None
    submitted_at: str
    enqueued_at: str | None
    placed_at: str | None
    started_at: str | None
    finished_at: str | None
    updated_at: str
    warnings: NotRequired[list[str]]


class ArrayElement(TypedDict):
    """One job of an array."""

    id: str
    array_index: int | None


class JobArray(TypedDict):
    """What a submission with `array` made: jobs of their own."""

    array_id: str | None
    jobs: list[ArrayElement]
    warnings: NotRequired[list[str]]


class JobPage(TypedDict):
    """One page of a list of jobs, newest first."""

    jobs: list[Job]
    total: int
    page: int
    page_size: int


class BatchItem(TypedDict, total=False):
    """What became of one submission of a batch: an id, or the problem."""

    id: str
    ids: list[str]
    warnings: list[str]
    error: dict[str, Any]


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

Node = dict[str, Any]
"""A machine: name, cluster, capacity, what is free, labels, taints, whether it takes work."""

Marks = Mapping[str, str | None] | None
"""Labels or taints of a machine to change, by name; None takes one away."""

Status = dict[str, Any]
"""The status of the whole system (API-01)."""


@dataclass(frozen=True)
class FactEvent:
    """One fact of the log as it came over the event stream; `data` is the message as JSON text."""

    sequence: int
    kind: str
    data: str

    @cached_property
    def message(self) -> dict[str, Any]:
        """The envelope: event_id, occurred_at, shard, actor, fact."""
        read: dict[str, Any] = loads(self.data)
        return read

    @property
    def fact(self) -> dict[str, Any]:
        """The fact itself."""
        fact: dict[str, Any] = self.message["fact"]
        return fact
