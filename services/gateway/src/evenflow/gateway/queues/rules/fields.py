"""What clients say about queues, as far as they say it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.resources import parse_resources
from evenflow.gateway.values.amounts import read_request
from evenflow.gateway.values.fields import STRICT, UNLIMITED, Amount
from evenflow.gateway.values.instants import LONGEST_SECONDS


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
