"""The task groups of a submission: roles of a gang, or a gang that may start smaller. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.gateway.values.amounts import TaskRequest, read_task
from evenflow.gateway.values.fields import STRICT

MAX_GROUPS: Final = 50
THE_GROUP: Final = "task"
"""The one group of a gang that only says `min_tasks`."""
_SHOWN: Final = 80
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME_RULE: Final = (
    "must have 1 to 63 small letters, digits or '-', beginning and ending with a letter or digit"
)


@dataclass(slots=True)
class GroupFields:
    """Tasks of one role in a gang, all with the same request.

    The gang starts when `min_tasks` of each of its groups have room (absent: all of them), and
    grows to `tasks` later. Requests read as those of a job.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "JobGroup"}

    name: str
    tasks: int = 1
    min_tasks: int | None = None
    cpu_request: float | str | None = None
    memory_request: float | str | None = None
    gpu_request: float | str | None = None
    resources: dict[str, float | str] | None = None


def read_groups(
    asked: Sequence[GroupFields], broken: list[RequestRejected]
) -> tuple[TaskGroup, ...]:
    """Return the groups whose names will do; adds what else is wrong to `broken`.

    Numbers of tasks are judged with the job they make up.
    """
    if not 1 <= len(asked) <= MAX_GROUPS:
        rule = f"must be 1 to {MAX_GROUPS} groups"
        broken.append(InvalidValue("groups", f"{len(asked)} groups", rule))
        return ()
    groups: list[TaskGroup] = []
    for index, each in enumerate(asked):
        within = f"groups.{index}."
        request = TaskRequest(
            each.cpu_request, each.memory_request, each.gpu_request, each.resources
        )
        resources = read_task(request, broken, within)
        if _NAME.fullmatch(each.name) is None:
            broken.append(InvalidValue(f"{within}name", each.name[:_SHOWN], _NAME_RULE))
        else:
            groups.append(TaskGroup(each.name, each.tasks, resources, each.min_tasks))
    return tuple(groups)


def elastic_gang(
    tasks: int, min_tasks: int, resources: Mapping[str, int], broken: list[RequestRejected]
) -> tuple[TaskGroup, ...]:
    """Return the group of a gang that starts with fewer tasks than it would like.

    Empty when it needs them all: that is a plain gang.
    """
    if not 1 <= min_tasks <= tasks:
        rule = f"must be between 1 and its tasks, {tasks}"
        broken.append(InvalidValue("min_tasks", min_tasks, rule))
        return ()
    return (TaskGroup(THE_GROUP, tasks, resources, min_tasks),) if min_tasks < tasks else ()
