"""Jobs as rows of the view. Pure."""

import json
from typing import Any

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.constraints import ANYWHERE, Constraints
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup

Row = dict[str, Any]


def spec_row(spec: JobSpec, queue_id: str | None) -> Row:
    """Return the columns that a submission gives."""
    return {
        "id": spec.id,
        "name": spec.name,
        "job_type": spec.job_type,
        "executor": spec.executor,
        "executor_config_json": to_json(spec.executor_config),
        "project": spec.project,
        "queue": spec.queue,
        "queue_id": queue_id,
        "user": spec.user,
        "priority": spec.priority,
        "preemptible": spec.preemptible,
        "description": spec.description,
        "tags_json": to_json(spec.tags),
        "resources_json": to_json(spec.resources),
        "tasks": spec.tasks,
        "groups_json": groups_json(spec.groups),
        "constraints_json": constraints_json(spec.constraints),
        "time_limit_us": spec.time_limit_us,
        "estimated_duration_us": spec.estimated_duration_us,
        "deadline_at": spec.deadline_at,
        "retry_limit": spec.retry_limit,
        "backoff_limit": spec.backoff_limit,
        "array_id": spec.array_id,
        "array_index": spec.array_index,
        "submitted_at": spec.submitted_at,
    }


def job_row(job: Job, queue_id: str | None, enqueued_at: Instant, at: Instant) -> Row:
    """Return the whole row of a job that the fold accepted."""
    return {
        **spec_row(job.spec, queue_id),
        "enqueued_at": enqueued_at,
        "position": job.position,
        **life_row(job, at),
        **reason_row(job),
        **placement_row(job),
    }


def fresh_row(spec: JobSpec, queue_id: str | None) -> Row:
    """Return the row of a job that is in the log but was not folded yet."""
    return {
        **spec_row(spec, queue_id),
        **_NOTHING_YET,
        "state": JobState.SUBMITTED.value,
        "updated_at": spec.submitted_at,
    }


def refused_row(spec: JobSpec, queue_id: str | None, message: str, at: Instant) -> Row:
    """Return the row of a submission that the fold refused."""
    return {
        **fresh_row(spec, queue_id),
        "state": JobState.REJECTED.value,
        "message": message,
        "finished_at": at,
        "updated_at": at,
    }


_NOTHING_YET: Row = {
    "enqueued_at": None,
    "position": None,
    "attempt": 1,
    "cancel_requested": False,
    "not_before": 0,
    "placed_at": None,
    "started_at": None,
    "finished_at": None,
    "exit_code": None,
    "message": "",
    "reason_code": None,
    "reason_json": None,
    "placement_json": None,
}


def life_row(job: Job, at: Instant) -> Row:
    """Return the columns that move when a job moves."""
    return {
        "state": job.state.value,
        "attempt": job.attempt,
        "cancel_requested": job.cancel_requested,
        "not_before": job.not_before,
        "placed_at": job.placed_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "exit_code": job.exit_code,
        "message": job.message,
        "updated_at": at,
    }


def reason_row(job: Job) -> Row:
    """Return why it waits."""
    if job.reason is None:
        return {"reason_code": None, "reason_json": None}
    detail = job.reason.detail
    return {
        "reason_code": job.reason.code.value,
        "reason_json": to_json(detail) if detail else "{}",
    }


def placement_row(job: Job) -> Row:
    """Return where its tasks are."""
    return {"placement_json": placement_json(job)}


def placement_json(job: Job) -> str | None:
    """Return the tasks' nodes and devices as JSON; None when it has none."""
    if not job.placement:
        return None
    return to_json([[task.node, task.devices] for task in job.placement])


def change_row(job: Job, at: Instant) -> Row:
    """Return the columns that owners may change."""
    spec = job.spec
    return {
        "name": spec.name,
        "description": spec.description,
        "tags_json": to_json(spec.tags),
        "priority": spec.priority,
        "updated_at": at,
    }


def groups_json(groups: tuple[TaskGroup, ...]) -> str | None:
    """Return the groups of a gang as JSON; None when all its tasks are alike."""
    if not groups:
        return None
    return to_json(
        [
            {
                "name": group.name,
                "tasks": group.tasks,
                "min_tasks": group.least,
                "resources": group.resources,
            }
            for group in groups
        ]
    )


def constraints_json(constraints: Constraints) -> str | None:
    """Return constraints as REST states them; None when the job may go anywhere."""
    if constraints == ANYWHERE:
        return None
    anti = constraints.anti_affinity
    return to_json(
        {
            "selector": {k: list(v) or None for k, v in constraints.selector.items()},
            "tolerations": [{"key": t.key, "value": t.value} for t in constraints.tolerations],
            "anti_affinity": None if anti is None else {"level": anti.level, "key": anti.key},
            "required_level": constraints.required_level,
            "preferred_level": constraints.preferred_level,
            "strategy": constraints.strategy,
            "clusters": constraints.clusters,
        }
    )


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def to_json(value: object) -> str:
    """Return compact JSON."""
    return _encode(value)
