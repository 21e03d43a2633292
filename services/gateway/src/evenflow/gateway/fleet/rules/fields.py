"""What clients say about a whole fleet of queues. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.quotas.quota import PERIODS
from evenflow.gateway.queues.rules.fields import QueueFields
from evenflow.gateway.quotas.rules.fields import RESOURCE_FIELDS, TYPE_FIELDS, QuotaFields
from evenflow.gateway.values.fields import STRICT, Amount

_SHORT: Final = {
    "enforce": "enforce_quota",
    "gpu_hours": "gpu_hours_budget",
    "period": "budget_period",
}


@dataclass(slots=True)
class FleetQueue(QueueFields):
    """A queue of a fleet.

    `quota` maps resources to amounts; also `max_*_jobs`, `gpu_hours` with its `period`, `enforce`.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "FleetQueue"}

    quota: dict[str, Amount | bool] | None = None


@dataclass(slots=True)
class Fleet:
    """Queues, each by its path; what a queue does not state stays as it is."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "Fleet"}

    queues: list[FleetQueue] = field(default_factory=list)


def quota_fields(quota: Mapping[str, Amount | bool]) -> tuple[QuotaFields, frozenset[str]]:
    """Return the fields of a quota that a fleet states in short, and the names of those stated."""
    asked, given = QuotaFields(resources={}), {"resources"}
    short = {resource: name for name, resource in RESOURCE_FIELDS.items()} | _SHORT
    counts = {"max_concurrent_jobs", *TYPE_FIELDS}
    for key, value in quota.items():
        name = short.get(key, key)
        is_flag = name == "enforce_quota"
        if is_flag != isinstance(value, bool) and value is not None:
            rule = "must be true or false" if is_flag else "must be an amount"
            raise InvalidValue(f"quota.{key}", value, rule)
        if name in counts and value is not None and not isinstance(value, int):
            if not (isinstance(value, float) and value.is_integer()):
                raise InvalidValue(f"quota.{key}", value, "must be a whole number")
            value = int(value)  # noqa: PLW2901
        if name == "budget_period" and not isinstance(value, str | None):
            raise InvalidValue(f"quota.{key}", value, f"must be one of {', '.join(PERIODS)}")
        if name in counts or name in _SHORT.values() or name in RESOURCE_FIELDS:
            setattr(asked, name, value)
            given.add(name)
        else:
            (asked.resources or {})[key] = value
    return asked, frozenset(given)
