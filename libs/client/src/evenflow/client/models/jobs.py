"""A job: what a client submits, and what a gateway shows of it.

REST documents the meaning of each field.
"""

from typing import Any, NotRequired, TypedDict

from evenflow.client.models.amounts import Number
from evenflow.client.models.constraints import Constraints


class GroupRequest(TypedDict, total=False):
    """Tasks of one role in a gang; only `name` is required. Requests are per task."""

    name: str
    tasks: int
    min_tasks: int
    cpu_request: Number
    memory_request: Number
    gpu_request: Number
    resources: dict[str, Number]


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
