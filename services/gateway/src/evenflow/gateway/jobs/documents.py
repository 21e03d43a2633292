"""What REST says about jobs: rows of the view as JSON documents (JOB-02, JOB-03). Pure."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired

from typing_extensions import TypedDict

from evenflow.common.domain.resources import MILLI
from evenflow.gateway.jobs.gang_documents import (
    ConstraintsDocument,
    GroupDocument,
    constraints_document,
    group_documents,
)
from evenflow.gateway.values.amounts import GIB
from evenflow.gateway.values.instants import iso, iso_or_none, seconds_or_none
from evenflow.gateway.values.job_status import STATUS_OF

RowLike = Mapping[Any, Any]
"""A row of the view by column name."""


class TaskPlace(TypedDict):
    """Where one task of a job is."""

    node: str
    devices: list[int]


class Reason(TypedDict):
    """Why a job waits: a code and its numbers."""

    code: str
    detail: dict[str, Any]


class JobDocument(TypedDict):
    """A job as REST shows it. Requests are per task; memory in GiB, cpu in cores, gpu in cards.

    A job with `groups` has its requests there. `placed_tasks` of `tasks` have a node; it starts
    with `min_tasks`.
    """

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
    groups: list[GroupDocument]
    constraints: ConstraintsDocument | None
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
    external_id: str | None
    namespace: str | None
    metrics: dict[str, Any] | None
    outputs: dict[str, Any] | None
    submitted_at: str
    enqueued_at: str | None
    placed_at: str | None
    started_at: str | None
    finished_at: str | None
    created_at: str
    updated_at: str
    warnings: NotRequired[list[str]]
    stale: NotRequired[bool]


class AttemptDocument(TypedDict):
    """One attempt of a job, the last one included."""

    attempt: int
    placement: list[TaskPlace]
    placed_at: str | None
    started_at: str | None
    finished_at: str | None
    outcome: str | None
    exit_code: int | None
    message: str


class JobPage(TypedDict):
    """A page of jobs, newest first."""

    jobs: list[JobDocument]
    total: int
    page: int
    page_size: int
    stale: bool


class JobStats(TypedDict):
    """How many jobs there are; ended ones as far as the view keeps them."""

    total: int
    by_status: dict[str, int]
    by_type: dict[str, int]
    by_executor: dict[str, int]


def job_document(row: RowLike) -> JobDocument:
    """Return a row of `jobs` as a document."""
    resources = json.loads(row["resources_json"])
    placement = places(row["placement_json"])
    groups = group_documents(row["groups_json"], len(placement))
    reason = _reason(row)
    submitted_at = iso(row["submitted_at"])
    return JobDocument(
        id=row["id"],
        name=row["name"],
        job_type=row["job_type"],
        executor=row["executor"],
        status=STATUS_OF[row["state"]],
        phase=row["state"],
        project_id=row["project"],
        user_id=row["user"],
        queue_id=row["queue_id"],
        queue=row["queue"],
        priority=row["priority"],
        preemptible=bool(row["preemptible"]),
        description=row["description"],
        tags=json.loads(row["tags_json"]),
        tasks=row["tasks"],
        min_tasks=sum(group["min_tasks"] for group in groups) if groups else row["tasks"],
        placed_tasks=len(placement),
        groups=groups,
        constraints=constraints_document(row["constraints_json"]),
        cpu_request=resources.get("cpu", 0) / MILLI,
        memory_request=resources.get("memory", 0) / GIB,
        gpu_request=resources.get("gpu", 0) / MILLI,
        resources=resources,
        time_limit_seconds=seconds_or_none(row["time_limit_us"]),
        estimated_duration_seconds=seconds_or_none(row["estimated_duration_us"]),
        deadline=iso_or_none(row["deadline_at"]),
        retry_limit=row["retry_limit"],
        backoff_limit=row["backoff_limit"],
        executor_config=json.loads(row["executor_config_json"]),
        array_id=row["array_id"],
        array_index=row["array_index"],
        queue_position=row["position"],
        reason=reason,
        blocked_reason=reason["code"] if reason else None,
        attempt=row["attempt"],
        placement=placement,
        nodes=sorted({place["node"] for place in placement}),
        cancel_requested=bool(row["cancel_requested"]),
        exit_code=row["exit_code"],
        error_message=row["message"] or None,
        external_id=None,
        namespace=None,
        metrics=None,
        outputs=None,
        submitted_at=submitted_at,
        enqueued_at=iso_or_none(row["enqueued_at"]),
        placed_at=iso_or_none(row["placed_at"]),
        started_at=iso_or_none(row["started_at"]),
        finished_at=iso_or_none(row["finished_at"]),
        created_at=submitted_at,
        updated_at=iso(row["updated_at"]),
    )


def attempt_document(row: RowLike) -> AttemptDocument:
    """Return a row of `attempts`, or of `jobs` for the last attempt, as a document."""
    outcome = row.get("outcome") or (row["state"] if row.get("finished_at") else None)
    return AttemptDocument(
        attempt=row["attempt"],
        placement=places(row["placement_json"]),
        placed_at=iso_or_none(row["placed_at"]),
        started_at=iso_or_none(row["started_at"]),
        finished_at=iso_or_none(row["finished_at"]),
        outcome=outcome,
        exit_code=row["exit_code"],
        message=row["message"],
    )


def places(placement_json: str | None) -> list[TaskPlace]:
    """Return where the tasks are, in task order."""
    if not placement_json:
        return []
    return [TaskPlace(node=node, devices=devices) for node, devices in json.loads(placement_json)]


def _reason(row: RowLike) -> Reason | None:
    if not row["reason_code"]:
        return None
    return Reason(code=row["reason_code"], detail=json.loads(row["reason_json"] or "{}"))
