"""What labels, taints and constraints may look like: names that any cluster would take. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from evenflow.common.domain.decisions.settings import STRATEGIES
from evenflow.common.domain.errors import InvalidValue

if TYPE_CHECKING:
    from evenflow.common.domain.jobs.job import Constraints

MAX_CONSTRAINTS: Final = 50  # of one kind in a job, and values of one label
MAX_LABELS: Final = 200  # that operators give one node
_SHOWN: Final = 80
_PART: Final = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_NAME: Final = re.compile(rf"([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_PART}")
_VALUE: Final = re.compile(rf"({_PART})?")
NAME_RULE: Final = (
    "must be a label's name: 1 to 63 letters, digits, '-', '_', '.', beginning and ending with a "
    "letter or digit, such as rack or example.com/rack"
)
VALUE_RULE: Final = (
    "must be a label's value: at most 63 letters, digits, '-', '_', '.', beginning and ending with "
    "a letter or digit"
)


def is_label_name(text: str) -> bool:
    """Whether a label, a taint or a level may be named so."""
    return _NAME.fullmatch(text) is not None


def is_label_value(text: str) -> bool:
    """Whether a label or a taint may have this value; it may be empty."""
    return _VALUE.fullmatch(text) is not None


def broken_labels(labels: Mapping[str, str | None], where: str) -> Iterator[InvalidValue]:
    """Yield what is wrong with labels or taints by name; None takes one away."""
    if len(labels) > MAX_LABELS:
        yield InvalidValue(where, f"{len(labels)} names", f"must be at most {MAX_LABELS}")
        return
    for name, value in labels.items():
        yield from _broken_pair(where, name, value)


def broken_constraints(constraints: "Constraints") -> Iterator[InvalidValue]:
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
        yield from _broken_pair("constraints.tolerations", toleration.key, toleration.value)
    for cluster in constraints.clusters:
        if not is_label_name(cluster):
            yield InvalidValue("constraints.clusters", cluster[:_SHOWN], "must name clusters")
    yield from _broken_levels(constraints)
    if constraints.strategy is not None and constraints.strategy not in STRATEGIES:
        rule = f"must be one of {', '.join(STRATEGIES)}"
        yield InvalidValue("constraints.strategy", constraints.strategy[:_SHOWN], rule)


def _broken_choice(name: str, values: Sequence[str]) -> Iterator[InvalidValue]:
    if len(values) > MAX_CONSTRAINTS:
        where = f"constraints.selector.{name[:_SHOWN]}"
        yield InvalidValue(where, f"{len(values)} values", f"must be at most {MAX_CONSTRAINTS}")
        return
    for value in values or (None,):
        yield from _broken_pair("constraints.selector", name, value)


def _broken_levels(constraints: "Constraints") -> Iterator[InvalidValue]:
    anti = constraints.anti_affinity
    for where, level in (
        ("anti_affinity.level", None if anti is None else anti.level),
        ("required_level", constraints.required_level),
        ("preferred_level", constraints.preferred_level),
    ):
        if level is not None and not is_label_name(level):
            yield InvalidValue(f"constraints.{where}", level[:_SHOWN], NAME_RULE)
    if anti is not None and anti.key is not None and not is_label_name(anti.key):
        yield InvalidValue("constraints.anti_affinity.key", anti.key[:_SHOWN], NAME_RULE)


def _broken_pair(where: str, name: str, value: str | None) -> Iterator[InvalidValue]:
    if not is_label_name(name):
        yield InvalidValue(where, name[:_SHOWN], NAME_RULE)
    elif value is not None and not is_label_value(value):
        yield InvalidValue(f"{where}.{name}", value[:_SHOWN], VALUE_RULE)
