"""From what a client sends to job specs: defaults, units, arrays, all broken rules at once. Pure.

A courtesy: it spares people a round trip. The fold judges again when the fact is read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.jobs.executor_config import validate_config
from evenflow.common.domain.jobs.job import JobSpec, TaskGroup, broken_rules
from evenflow.common.domain.queues.queue import NAME_PATTERN
from evenflow.gateway.jobs.rules.constraints import (
    ConstraintFields,
    contradictions,
    read_constraints,
)
from evenflow.gateway.jobs.rules.groups import GroupFields, elastic_gang, read_groups
from evenflow.gateway.queues.rules.choice import QueueChooser
from evenflow.gateway.values.amounts import Request, read_task
from evenflow.gateway.values.instants import LONGEST_SECONDS, read_instant

ANONYMOUS: Final = "anonymous"
MAX_ARRAY: Final = 10_000
_MAX_DESCRIPTION: Final = 10_000  # characters
_MAX_TAGS, _MAX_TAG = 50, 100
_ARRAY: Final = re.compile(r"(\d{1,9})-(\d{1,9})")
_USER: Final = re.compile(NAME_PATTERN)


@dataclass(slots=True)
class Submission:
    """The body of `POST /api/v1/jobs`; absent fields take the defaults of JOB-03.

    Requests are per task. `cpu_request` and `gpu_request` count cores and cards, `memory_request`
    GiB; texts may be quantities such as `500m` and `4Gi`. `resources` names any resource; the three
    fields win over it. More than one task are a gang, which with `min_tasks` may start smaller;
    `groups` make a gang of several roles, and stand for `tasks`, `min_tasks` and all requests.
    `deadline`, to be finished by, is an ISO time or seconds from now.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = {
        "extra": "forbid",
        "strict": True,
        "allow_inf_nan": False,
        "title": "JobSubmission",
    }

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


@dataclass(frozen=True, slots=True)
class _Tasks:
    """How many there are, and what each asks for: all alike, or by groups."""

    count: int
    resources: Mapping[str, int]
    groups: tuple[TaskGroup, ...]


@dataclass(frozen=True, slots=True)
class Judge:
    """What all submissions of one request have in common."""

    queues: QueueChooser
    now: Instant
    new_id: Callable[[], str]
    default_executor: str

    def judge(self, asked: Submission) -> tuple[list[JobSpec], list[RequestRejected]]:
        """Return the jobs of a submission; when it breaks rules, no jobs and all of those rules."""
        broken: list[RequestRejected] = []
        indices = _array(asked.array, broken)
        tasks = _tasks(asked, broken)
        constraints, misshapen = read_constraints(asked.constraints)
        broken += misshapen
        spec = JobSpec(
            id=self.new_id(),
            name=asked.name,
            project="",
            queue="",
            user=read_user(asked.user_id, broken),
            submitted_at=self.now,
            executor=asked.executor or self.default_executor,
            executor_config=asked.executor_config,
            job_type=asked.job_type,
            resources=tasks.resources,
            tasks=tasks.count,
            groups=tasks.groups,
            constraints=constraints,
            priority=asked.priority,
            preemptible=asked.preemptible,
            time_limit_us=_duration("time_limit_seconds", asked.time_limit_seconds, broken),
            estimated_duration_us=_duration(
                "estimated_duration_seconds", asked.estimated_duration_seconds, broken
            ),
            deadline_at=_deadline(asked.deadline, self.now, broken),
            retry_limit=asked.retry_limit,
            backoff_limit=asked.backoff_limit,
            description=asked.description,
            tags=tuple(asked.tags),
        )
        broken.extend(broken_rules(spec))
        broken.extend(contradictions(spec))
        broken.extend(broken_texts(asked.name, asked.description, asked.tags))
        try:
            validate_config(spec.executor, spec.executor_config)
        except RequestRejected as error:
            broken.append(error)
        try:
            path = self.queues.choose(asked.project_id, asked.queue_id)
        except RequestRejected as error:
            broken.append(error)
        if broken:
            return [], broken
        spec = replace(spec, queue=path, project=path.partition("/")[0])
        return self._elements(spec, indices), []

    def _elements(self, spec: JobSpec, indices: range | None) -> list[JobSpec]:
        if indices is None:
            return [spec]
        return [
            replace(spec, id=self.new_id(), array_id=spec.id, array_index=index)
            for index in indices
        ]


def _tasks(asked: Submission, broken: list[RequestRejected]) -> _Tasks:
    request = Request(asked.cpu_request, asked.memory_request, asked.gpu_request, asked.resources)
    if asked.groups is not None:
        return _of_groups(asked, asked.groups, request, broken)
    resources = read_task(request, broken)
    tasks = 1 if asked.tasks is None else asked.tasks
    groups: tuple[TaskGroup, ...] = ()
    if asked.min_tasks is not None:
        groups = elastic_gang(tasks, asked.min_tasks, resources, broken)
    return _Tasks(tasks, {} if groups else resources, groups)


def _of_groups(
    asked: Submission, given: list[GroupFields], request: Request, broken: list[RequestRejected]
) -> _Tasks:
    rule = "must not be given with groups, which say it each for itself"
    if asked.tasks is not None:
        broken.append(InvalidValue("tasks", asked.tasks, rule))
    if asked.min_tasks is not None:
        broken.append(InvalidValue("min_tasks", asked.min_tasks, rule))
    if request.is_given:
        broken.append(InvalidValue("resources", "a request", rule))
    groups = read_groups(given, broken)
    # With a group left out the job is refused anyway: let the rest of it be judged.
    return _Tasks(sum(group.tasks for group in groups) if groups else 1, {}, groups)


def _duration(where: str, seconds: float | None, broken: list[RequestRejected]) -> int | None:
    if seconds is None:
        return None
    if not 0 < seconds <= LONGEST_SECONDS:
        broken.append(InvalidValue(where, seconds, "must be above 0 and at most a century"))
        return None
    return max(1, round(seconds * SECOND))


def _deadline(
    value: float | str | None, now: Instant, broken: list[RequestRejected]
) -> Instant | None:
    if value is None:
        return None
    try:
        return read_instant("deadline", value, now)
    except InvalidValue as error:
        broken.append(error)
        return None


def read_user(user: str | None, broken: list[RequestRejected]) -> str:
    """Return the name of who asks; adds to `broken` what is no name."""
    if user is None:
        return ANONYMOUS
    if not _USER.fullmatch(user):
        broken.append(InvalidValue("user_id", user[:80], f"must match {NAME_PATTERN}"))
    return user


def _array(text: str | None, broken: list[RequestRejected]) -> range | None:
    if text is None:
        return None
    if "%" in text:
        rule = "limits of running elements (%) are not supported yet; give the range alone, as 0-9"
        broken.append(InvalidValue("array", text[:40], rule))
        return None
    match = _ARRAY.fullmatch(text.strip())
    indices = range(int(match[1]), int(match[2]) + 1) if match else range(0)
    if not indices or len(indices) > MAX_ARRAY:
        rule = f"must be a range such as 0-9 of 1 to {MAX_ARRAY} elements"
        broken.append(InvalidValue("array", text[:40], rule))
        return None
    return indices


def broken_texts(name: str, description: str, tags: Sequence[str]) -> Iterator[InvalidValue]:
    """Yield what is wrong with the texts of a job, beside the length of its name."""
    if "\0" in name:
        yield InvalidValue("name", name[:40], "must not contain a zero byte")
    if len(description) > _MAX_DESCRIPTION or "\0" in description:
        rule = f"must have at most {_MAX_DESCRIPTION} characters and no zero byte"
        yield InvalidValue("description", description[:40], rule)
    if len(tags) > _MAX_TAGS:
        yield InvalidValue("tags", f"{len(tags)} tags", f"must be at most {_MAX_TAGS}")
    for tag in tags:
        if not 1 <= len(tag) <= _MAX_TAG or "\0" in tag:
            yield InvalidValue("tags", tag[:40], f"must each have 1 to {_MAX_TAG} characters")
