"""What clients say about queues and quotas, as far as they say it, and how the amounts read. Pure.

`None` clears a field: the queue or quota has no such limit, or the default again. So does -1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.queues.quota import JOB_TYPES, Quota
from evenflow.common.domain.resources import MILLI, parse_resources
from evenflow.gateway.values.amounts import GIB, read_request
from evenflow.gateway.values.instants import LONGEST_SECONDS

Amount = float | str | None
STRICT: Final[dict[str, object]] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
UNLIMITED: Final = (None, -1, "-1")


@dataclass(slots=True)
class QueueFields:
    """Fields of a queue; those that a request does not name stay as they are."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "QueueFields"}

    name: str | None = None
    path: str | None = None
    description: str | None = None
    priority: int | None = None
    weight: float | None = None
    deserved: dict[str, Amount] | None = None
    limit: dict[str, Amount] | None = None
    max_concurrent_jobs: int | None = None
    enabled: bool | None = None
    policy: str | None = None
    target_wait_seconds: float | None = None


@dataclass(slots=True)
class QuotaFields:
    """Fields of a quota (API-15): cores, GiB, cards, jobs; `resources` for any further resource.

    `gpu_hours_budget` is for each `budget_period` (`day`, `week`, `month`; UTC), and both are given
    or neither; null for the budget clears both.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "QuotaFields"}

    cpu_quota: Amount = None
    memory_quota: Amount = None
    gpu_quota: Amount = None
    resources: dict[str, Amount] | None = None
    max_concurrent_jobs: int | None = None
    max_training_jobs: int | None = None
    max_inference_jobs: int | None = None
    max_workflow_jobs: int | None = None
    enforce_quota: bool | None = None
    gpu_hours_budget: Amount = None
    budget_period: str | None = None


TYPE_FIELDS: Final = {f"max_{job_type}_jobs": job_type for job_type in JOB_TYPES}
RESOURCE_FIELDS: Final = {"cpu_quota": "cpu", "memory_quota": "memory", "gpu_quota": "gpu"}


def queue_values(
    fields: QueueFields,
    given: frozenset[str],
    policies: Sequence[str],
    broken: list[RequestRejected],
) -> dict[str, object]:
    """Return the fields of `Queue` that a request names, in the units of the domain.

    `policies` are the names that a queue may be ordered by.
    """
    values: dict[str, object] = {}
    plain = {"description": "", "priority": 0, "weight": 1.0, "enabled": True, "policy": None}
    for name, default in plain.items():
        if name in given:
            value = getattr(fields, name)
            values[name] = default if value is None else value
    if fields.policy is not None and fields.policy not in policies:
        rule = f"is not known; known are {', '.join(sorted(policies))}"
        broken.append(InvalidValue("policy", fields.policy[:40], rule))
    if "max_concurrent_jobs" in given:
        most = fields.max_concurrent_jobs
        values["max_concurrent_jobs"] = None if most in UNLIMITED else most
    if "target_wait_seconds" in given:
        target = fields.target_wait_seconds
        values["target_wait_us"] = None if target in UNLIMITED else _microseconds(target, broken)
    for name in ("deserved", "limit"):
        if name in given:
            values[name] = _amounts(getattr(fields, name), name, broken)
    return values


def _microseconds(seconds: float | None, broken: list[RequestRejected]) -> int | None:
    if seconds is None or not 0 <= seconds <= LONGEST_SECONDS:
        rule = "must be at least 0 and at most a century; null: no target"
        broken.append(InvalidValue("target_wait_seconds", seconds, rule))
        return None
    return round(seconds * SECOND)


def _amounts(
    amounts: Mapping[str, Amount] | None, where: str, broken: list[RequestRejected]
) -> dict[str, int] | None:
    """Read resource amounts, 0 kept; None when nothing is limited at all."""
    if amounts is None:
        return None
    result: dict[str, int] = {}
    for name, value in amounts.items():
        if value in UNLIMITED:
            continue
        try:
            parse_resources({name: 0}, field=where)  # only the name is in question
            result[name] = read_request(name, value, f"{where}.{name}")
        except RequestRejected as error:
            broken.append(error)
    return result or None


def quota_amounts(
    fields: QuotaFields,
    given: frozenset[str],
    known: Mapping[str, int],
    broken: list[RequestRejected],
) -> dict[str, int]:
    """Return the resources of a quota after a request named some of them."""
    result = dict(known)
    named: dict[str, Amount] = {
        resource: getattr(fields, name)
        for name, resource in RESOURCE_FIELDS.items()
        if name in given
    }
    for resource, value in (named | (fields.resources or {})).items():
        if value in UNLIMITED:
            result.pop(resource, None)
            continue
        where = f"{resource}_quota" if resource in named else f"resources.{resource}"
        try:
            parse_resources({resource: 0}, field="resources")
            result[resource] = read_request(resource, value, where)
        except RequestRejected as error:
            broken.append(error)
    return result


def quota_budget(
    fields: QuotaFields, given: frozenset[str], known: Quota, broken: list[RequestRejected]
) -> tuple[int | None, str | None]:
    """Return the budget and the period of a quota after a request named some of them."""
    hours, period = known.gpu_hours, known.period
    if "gpu_hours_budget" in given:
        if fields.gpu_hours_budget in UNLIMITED:
            hours = period = None
        else:
            try:
                hours = read_request("gpu", fields.gpu_hours_budget, "gpu_hours_budget")
            except RequestRejected as error:
                broken.append(error)
                hours = hours or 0  # so that the period is judged by itself
    if "budget_period" in given:
        period = fields.budget_period
    return hours, period


def shown_amount(name: str, amount: int) -> float:
    """Return an amount as REST states it: cores, cards, GiB."""
    if name in ("cpu", "gpu"):
        return amount / MILLI
    return amount / GIB if name == "memory" else amount


def changes_between(old: Queue, new: Queue, names: frozenset[str]) -> dict[str, list[object]]:
    """Return the fields that differ, each with its old and its new value."""
    return {
        name: [getattr(old, name), getattr(new, name)]
        for name in sorted(names)
        if getattr(old, name) != getattr(new, name)
    }
