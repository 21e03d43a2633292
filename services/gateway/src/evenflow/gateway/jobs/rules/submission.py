"""From what a client sends to job specs: defaults, units, arrays, all broken rules at once. Pure.

A courtesy: it spares people a round trip. The fold judges again when the fact is read.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.jobs.rules import broken_rules
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.gateway.edge.permits import named_user, project_of
from evenflow.gateway.jobs.rules.constraints import contradictions, read_constraints
from evenflow.gateway.jobs.rules.fields import Submission
from evenflow.gateway.jobs.rules.groups import GroupFields, elastic_gang, read_groups
from evenflow.gateway.jobs.rules.pieces import Allowance
from evenflow.gateway.jobs.rules.texts import broken_texts
from evenflow.gateway.queues.rules.choice import QueueChooser
from evenflow.gateway.values.amounts import TaskRequest, read_task
from evenflow.gateway.values.instants import LONGEST_SECONDS, read_instant
from evenflow.gateway.values.users import read_user

MAX_ARRAY: Final = 10_000
_ARRAY: Final = re.compile(r"(\d{1,9})-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Judge:
    """What all submissions of one request have in common."""

    queues: QueueChooser
    now: Instant
    new_id: Callable[[], str]
    default_executor: str
    account_of: Callable[[str, str], str | None] = lambda _executor, _user: None
    """Gives by executor and user the account of runs; raises RequestRejected."""
    allowance: Allowance = field(default_factory=Allowance)
    check_config: Callable[[str, Mapping[str, object]], None] = lambda _executor, _config: None
    """Judges by executor and what a job says to it; raises RequestRejected."""

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
            user=self._user(asked.user_id, broken),
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
            self.check_config(spec.executor, spec.executor_config)
        except RequestRejected as error:
            broken.append(error)
        account = None
        try:
            account = self.account_of(spec.executor, spec.user)
        except RequestRejected as error:
            broken.append(error)
        try:
            path = self.queues.choose(asked.project_id, asked.queue_id)
            named_user(self.queues.principal, asked.user_id, project_of(path))
        except RequestRejected as error:
            broken.append(error)
        if not broken:
            try:
                self.allowance.take(spec, 1 if indices is None else len(indices))
            except RequestRejected as error:
                broken.append(error)
        if broken:
            return [], broken
        spec = replace(spec, queue=path, project=path.partition("/")[0], account=account)
        return self._elements(spec, indices), []

    def _user(self, named: str | None, broken: list[RequestRejected]) -> str:
        return self.queues.principal.user if named is None else read_user(named, broken)

    def _elements(self, spec: JobSpec, indices: range | None) -> list[JobSpec]:
        if indices is None:
            return [spec]
        return [
            replace(spec, id=self.new_id(), array_id=spec.id, array_index=index)
            for index in indices
        ]


@dataclass(frozen=True, slots=True)
class _Tasks:
    """How many there are, and what each asks for: all alike, or by groups."""

    count: int
    resources: Mapping[str, int]
    groups: tuple[TaskGroup, ...]


def _tasks(asked: Submission, broken: list[RequestRejected]) -> _Tasks:
    request = TaskRequest(
        asked.cpu_request, asked.memory_request, asked.gpu_request, asked.resources
    )
    if asked.groups is not None:
        return _of_groups(asked, asked.groups, request, broken)
    resources = read_task(request, broken)
    tasks = 1 if asked.tasks is None else asked.tasks
    groups: tuple[TaskGroup, ...] = ()
    if asked.min_tasks is not None:
        groups = elastic_gang(tasks, asked.min_tasks, resources, broken)
    return _Tasks(tasks, {} if groups else resources, groups)


def _of_groups(
    asked: Submission, given: list[GroupFields], request: TaskRequest, broken: list[RequestRejected]
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
