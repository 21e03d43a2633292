"""What clients say about quotas, as far as they say it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from evenflow.common.domain.errors import RequestRejected
from evenflow.common.domain.quotas.quota import JOB_TYPES, Quota
from evenflow.common.domain.resources import parse_resources
from evenflow.gateway.values.amounts import read_request
from evenflow.gateway.values.fields import STRICT, UNLIMITED, Amount


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
