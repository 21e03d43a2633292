"""From what a client sends to job specs: defaults, units, arrays, all broken rules at once. Pure.

A courtesy: it spares people a round trip. The fold judges again when the fact is read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import ClassVar, Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.executor_config import validate_config
from evenflow.common.domain.job import JobSpec, broken_rules
from evenflow.common.domain.queue import NAME_PATTERN
from evenflow.common.domain.resources import parse_amount, parse_resources
from evenflow.gateway.core.queue_choice import QueueChooser

GIB: Final = 2**30
DEFAULT_RESOURCES: Final = {"cpu": 1000, "memory": 2 * GIB}  # JOB-03
ANONYMOUS: Final = "anonymous"
MAX_ARRAY: Final = 10_000
_MAX_DESCRIPTION: Final = 10_000  # characters
_MAX_TAGS, _MAX_TAG = 50, 100
_LONGEST_SECONDS: Final = 100 * 365 * 86_400
_ARRAY: Final = re.compile(r"(\d{1,9})-(\d{1,9})")
_USER: Final = re.compile(NAME_PATTERN)


@dataclass(slots=True)
class Submission:
    """The body of `POST /api/v1/jobs`; absent fields take the defaults of JOB-03.

    Requests are per task. `cpu_request` and `gpu_request` count cores and cards, `memory_request`
    GiB; texts may be quantities such as `500m` and `4Gi`. `resources` names any resource; the three
    fields win over it.
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
    tasks: int = 1
    array: str | None = None
    time_limit_seconds: float | None = None
    estimated_duration_seconds: float | None = None
    retry_limit: int = 0
    backoff_limit: int = 3


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
        spec = JobSpec(
            id=self.new_id(),
            name=asked.name,
            project="",
            queue="",
            user=_user(asked.user_id, broken),
            submitted_at=self.now,
            executor=asked.executor or self.default_executor,
            executor_config=asked.executor_config,
            job_type=asked.job_type,
            resources=_resources(asked, broken),
            tasks=asked.tasks,
            priority=asked.priority,
            preemptible=asked.preemptible,
            time_limit_us=_duration("time_limit_seconds", asked.time_limit_seconds, broken),
            estimated_duration_us=_duration(
                "estimated_duration_seconds", asked.estimated_duration_seconds, broken
            ),
            retry_limit=asked.retry_limit,
            backoff_limit=asked.backoff_limit,
            description=asked.description,
            tags=tuple(asked.tags),
        )
        broken.extend(broken_rules(spec))
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


def _resources(asked: Submission, broken: list[RequestRejected]) -> dict[str, int]:
    amounts = dict(DEFAULT_RESOURCES)
    try:
        if asked.resources is not None:
            amounts |= dict.fromkeys(asked.resources, 0)
            amounts |= parse_resources(asked.resources, field="resources")
    except RequestRejected as error:
        broken.append(error)
    for name, value in (
        ("cpu", asked.cpu_request),
        ("memory", asked.memory_request),
        ("gpu", asked.gpu_request),
    ):
        if value is None:
            continue
        try:
            amounts[name] = read_request(name, value, f"{name}_request")
        except RequestRejected as error:
            broken.append(error)
    if broken:
        return {}
    return {name: amount for name, amount in amounts.items() if amount}


def read_request(name: str, value: float | str, where: str) -> int:
    """Read an amount as REST states it: cores, cards, GiB for memory without a suffix.

    Raises:
        InvalidValue: not an amount.
    """
    text = str(value).strip()
    if name == "memory" and re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text):
        return parse_amount(name, int(Decimal(text) * GIB), field=where)
    return parse_amount(name, text, field=where)


def _duration(where: str, seconds: float | None, broken: list[RequestRejected]) -> int | None:
    if seconds is None:
        return None
    if not 0 < seconds <= _LONGEST_SECONDS:
        broken.append(InvalidValue(where, seconds, "must be above 0 and at most a century"))
        return None
    return max(1, round(seconds * SECOND))


def _user(user: str | None, broken: list[RequestRejected]) -> str:
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
