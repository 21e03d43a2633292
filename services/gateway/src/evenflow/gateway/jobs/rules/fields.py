"""What a client sends to submit a job. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from evenflow.gateway.jobs.rules.constraints import ConstraintFields
from evenflow.gateway.jobs.rules.groups import GroupFields
from evenflow.gateway.values.fields import STRICT


@dataclass(slots=True)
class Submission:
    """The body of `POST /api/v1/jobs`; absent fields take the defaults of JOB-03.

    Requests are per task. `cpu_request` and `gpu_request` count cores and cards, `memory_request`
    GiB; texts may be quantities such as `500m` and `4Gi`. `resources` names any resource; the three
    fields win over it. More than one task are a gang, which with `min_tasks` may start smaller;
    `groups` make a gang of several roles, and stand for `tasks`, `min_tasks` and all requests.
    `deadline`, to be finished by, is an ISO time or seconds from now.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "JobSubmission"}

    name: str
    job_type: str = "training"
    executor: str | None = None
    executor_config: dict[str, object] = field(default_factory=dict)
    project_id: str | None = None
    queue_id: str | None = None
    user_id: str | None = None
    priority: int = 0
    preemptible: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)
    cpu_request: float | str | None = None
    memory_request: float | str | None = None
    gpu_request: float | str | None = None
    resources: dict[str, float | str] | None = None
    tasks: int | None = None
    min_tasks: int | None = None
    groups: list[GroupFields] | None = None
    constraints: ConstraintFields | None = None
    array: str | None = None
    time_limit_seconds: float | None = None
    estimated_duration_seconds: float | None = None
    deadline: float | str | None = None
    retry_limit: int = 0
    backoff_limit: int = 3
