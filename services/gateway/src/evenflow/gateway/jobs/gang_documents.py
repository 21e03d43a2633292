"""What REST says about a job's task groups and constraints. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from typing_extensions import TypedDict

from evenflow.common.domain.resources import MILLI
from evenflow.gateway.values.amounts import GIB


class GroupDocument(TypedDict):
    """Tasks of one role. Requests are per task, as those of a job; `placed_tasks` have a node."""

    name: str
    tasks: int
    min_tasks: int
    placed_tasks: int
    cpu_request: float
    memory_request: float
    gpu_request: float
    resources: dict[str, int]


class TolerationDocument(TypedDict):
    """A taint that the job bears; without a value: whatever the taint's value is."""

    key: str
    value: str | None


class AntiAffinityDocument(TypedDict):
    """Tasks that share no domain of a level: the job's own, or those of all jobs with this key."""

    level: str
    key: str | None


class ConstraintsDocument(TypedDict):
    """Where tasks may go. `selector` maps a label to the values that will do; null: to any."""

    selector: dict[str, list[str] | None]
    tolerations: list[TolerationDocument]
    anti_affinity: AntiAffinityDocument | None
    required_level: str | None
    preferred_level: str | None
    strategy: str | None
    clusters: list[str]


def constraints_document(constraints_json: str | None) -> ConstraintsDocument | None:
    """Return constraints; None when the job may go anywhere."""
    if constraints_json is None:
        return None
    document: ConstraintsDocument = json.loads(constraints_json)
    return document


def group_documents(groups_json: str | None, placed: int) -> list[GroupDocument]:
    """Return the groups of a job whose first `placed` tasks have a node."""
    if groups_json is None:
        return []
    groups = json.loads(groups_json)
    return [
        GroupDocument(
            name=group["name"],
            tasks=group["tasks"],
            min_tasks=group["min_tasks"],
            placed_tasks=count,
            cpu_request=group["resources"].get("cpu", 0) / MILLI,
            memory_request=group["resources"].get("memory", 0) / GIB,
            gpu_request=group["resources"].get("gpu", 0) / MILLI,
            resources=group["resources"],
        )
        for group, count in zip(groups, _placed(groups, placed), strict=True)
    ]


def _placed(groups: Sequence[Any], placed: int) -> Iterator[int]:
    """Yield how many of the first tasks are of each group, as `group_of_task` numbers them."""
    rest = max(0, placed - sum(group["min_tasks"] for group in groups))
    placed -= rest
    for group in groups:
        least = min(placed, group["min_tasks"])
        more = min(rest, group["tasks"] - group["min_tasks"])
        placed, rest = placed - least, rest - more
        yield least + more
