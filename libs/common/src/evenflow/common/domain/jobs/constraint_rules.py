"""The rules that the constraints of a job, or of a reservation, must keep by themselves. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from evenflow.common.domain.decisions.settings import STRATEGIES
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.constraints import Constraints
from evenflow.common.domain.nodes.labels import NAME_RULE, SHOWN, broken_pair, is_label_name

MAX_CONSTRAINTS: Final = 50  # of one kind in a job, and values of one label


def broken_constraints(constraints: Constraints) -> Iterator[InvalidValue]:
    """Yield every rule that the constraints of a job break by themselves."""
    for what, found in (
        ("selector", constraints.selector),
        ("tolerations", constraints.tolerations),
        ("clusters", constraints.clusters),
    ):
        if len(found) > MAX_CONSTRAINTS:
            yield InvalidValue(
                f"constraints.{what}", f"{len(found)} entries", f"must be at most {MAX_CONSTRAINTS}"
            )
            return
    for name, values in constraints.selector.items():
        yield from _broken_choice(name, values)
    for toleration in constraints.tolerations:
        yield from broken_pair("constraints.tolerations", toleration.key, toleration.value)
    for cluster in constraints.clusters:
        if not is_label_name(cluster):
            yield InvalidValue("constraints.clusters", cluster[:SHOWN], "must name clusters")
    yield from _broken_levels(constraints)
    if constraints.strategy is not None and constraints.strategy not in STRATEGIES:
        rule = f"must be one of {', '.join(STRATEGIES)}"
        yield InvalidValue("constraints.strategy", constraints.strategy[:SHOWN], rule)


def _broken_choice(name: str, values: Sequence[str]) -> Iterator[InvalidValue]:
    if len(values) > MAX_CONSTRAINTS:
        where = f"constraints.selector.{name[:SHOWN]}"
        yield InvalidValue(where, f"{len(values)} values", f"must be at most {MAX_CONSTRAINTS}")
        return
    for value in values or (None,):
        yield from broken_pair("constraints.selector", name, value)


def _broken_levels(constraints: Constraints) -> Iterator[InvalidValue]:
    anti = constraints.anti_affinity
    for where, level in (
        ("anti_affinity.level", None if anti is None else anti.level),
        ("required_level", constraints.required_level),
        ("preferred_level", constraints.preferred_level),
    ):
        if level is not None and not is_label_name(level):
            yield InvalidValue(f"constraints.{where}", level[:SHOWN], NAME_RULE)
    if anti is not None and anti.key is not None and not is_label_name(anti.key):
        yield InvalidValue("constraints.anti_affinity.key", anti.key[:SHOWN], NAME_RULE)
