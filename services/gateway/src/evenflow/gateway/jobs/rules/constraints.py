"""The constraints of a submission: where its tasks may go, and where they would rather go. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.constraints import (
    ANYWHERE,
    NODE_LEVEL,
    AntiAffinity,
    Constraints,
    Toleration,
)
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.gateway.values.fields import STRICT


@dataclass(slots=True)
class TolerationFields:
    """A taint that the job bears; without a value: whatever the taint's value is."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "JobToleration"}

    key: str
    value: str | None = None


@dataclass(slots=True)
class AntiAffinityFields:
    """Tasks that share no domain of a level: the job's own, or those of all jobs with this key."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "JobAntiAffinity"}

    level: str = NODE_LEVEL
    key: str | None = None


@dataclass(slots=True)
class ConstraintFields:
    """Where tasks may go. Levels are labels of nodes, such as `rack`, or `node`.

    `selector` maps a label to a value, to several of which one will do, or to null: any value.
    `tolerations` may be texts: `key`, or `key=value`.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "JobConstraints"}

    selector: dict[str, str | list[str] | None] = field(default_factory=dict)
    tolerations: list[TolerationFields | str] = field(default_factory=list)
    anti_affinity: AntiAffinityFields | None = None
    required_level: str | None = None
    preferred_level: str | None = None
    strategy: str | None = None
    clusters: list[str] = field(default_factory=list)


def read_constraints(asked: ConstraintFields | None) -> tuple[Constraints, list[InvalidValue]]:
    """Return the constraints, and what their shape breaks; names are judged with the job."""
    if asked is None:
        return ANYWHERE, []
    broken: list[InvalidValue] = []
    selector: dict[str, tuple[str, ...]] = {}
    for label, wanted in asked.selector.items():
        if isinstance(wanted, list) and not wanted:
            rule = "must name a value, or be null for any"
            broken.append(InvalidValue(f"constraints.selector.{label[:80]}", "[]", rule))
        values = [wanted] if isinstance(wanted, str) else wanted or ()
        selector[label] = tuple(dict.fromkeys(values))
    tolerations = (_toleration(each) for each in asked.tolerations)
    anti = asked.anti_affinity
    return Constraints(
        selector=selector,
        tolerations=tuple(dict.fromkeys(tolerations)),
        anti_affinity=None if anti is None else AntiAffinity(anti.level, anti.key),
        required_level=asked.required_level,
        preferred_level=asked.preferred_level,
        strategy=asked.strategy,
        clusters=tuple(dict.fromkeys(asked.clusters)),
    ), broken


def _toleration(asked: TolerationFields | str) -> Toleration:
    if isinstance(asked, TolerationFields):
        return Toleration(asked.key, asked.value)
    key, equals, value = asked.partition("=")
    return Toleration(key, value if equals else None)


def contradictions(spec: JobSpec) -> list[InvalidValue]:
    """Return where a job asks for what can never be, whatever nodes there are."""
    anti, level = spec.constraints.anti_affinity, spec.constraints.required_level
    if anti is None or level is None or spec.least_tasks <= 1:
        return []
    if level not in (anti.level, NODE_LEVEL):
        return []
    rule = f"would keep its tasks apart that required_level keeps in one {level}"
    return [InvalidValue("constraints.anti_affinity.level", anti.level[:80], rule)]
