"""The kinds of values a setting can have: durations, sizes, clusters."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator

from evenflow.common.domain.durations import parse_duration_us
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.resources import parse_amount
from evenflow.common.runtime.registry import installed_names

_DURATION_RULE: Final = "must be a duration such as 500ms, 90s, 1h30m or 2w"


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise ValueError("must not be negative")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(_DURATION_RULE)  # noqa: TRY004 - pydantic collects ValueError only
    try:
        return timedelta(microseconds=parse_duration_us(str(value), ""))
    except InvalidValue as error:
        raise ValueError(error.rule) from error


def _positive_duration(value: Any) -> Any:
    duration = _duration(value)
    if duration <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return duration


def _size(value: Any) -> Any:
    try:
        return parse_amount("memory", value)
    except InvalidValue as error:
        raise ValueError(error.rule.replace("0.5, 500m", "500M")) from error


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""`1h30m`, or seconds as a bare number; never negative (CFG-07)."""

PositiveDuration = Annotated[timedelta, BeforeValidator(_positive_duration)]
"""A `Duration` above zero: for periods of loops, where zero would be a busy loop."""

ByteSize = Annotated[int, BeforeValidator(_size)]
"""Bytes; text may say `10Gi` or `500M`."""

_SIMULATED: Final = re.compile(r"simulated:([1-9]\d{0,5})x(\d{1,3})")


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """What `cluster` names: this machine, a simulated fleet of equal nodes, or another kind."""

    is_simulated: bool
    kind: str = "local"  # also the cluster's name, and that of its executor
    nodes: int = 1
    gpus_per_node: int = 0


@lru_cache(maxsize=16)  # asked for with each submission; names of installed kinds lie on disk
def parse_cluster(text: str) -> ClusterChoice:
    """Read `local`, `simulated:<nodes>x<GPUs of each>`, or what starts with an installed kind.

    Raises:
        ValueError: none of them.
    """
    if text == "local":
        return ClusterChoice(is_simulated=False)
    if match := _SIMULATED.fullmatch(text):
        return ClusterChoice(
            is_simulated=True,
            kind="simulated",
            nodes=int(match.group(1)),
            gpus_per_node=int(match.group(2)),
        )
    kind = text.partition(":")[0]
    others = installed_names("clusters")
    if kind in others:  # what stands behind the colon is for the kind to judge
        return ClusterChoice(is_simulated=False, kind=kind)
    raise ValueError(
        "must be 'local' or 'simulated:<nodes>x<GPUs of each>', as simulated:100x8"
        + "".join(f", or '{name}[:...]'" for name in others)
    )


def one_of(family: str, built_in: tuple[str, ...]) -> AfterValidator:
    """Accept what comes with Evenflow or is installed. Names only: nothing is imported."""

    def check(name: str) -> str:
        if name not in built_in and name not in (added := installed_names(family)):
            raise ValueError(f"is not known; known are {', '.join(sorted({*built_in, *added}))}")
        return name

    return AfterValidator(check)


def one_of_ours(names: tuple[str, ...]) -> AfterValidator:
    """Accept what comes with Evenflow, to which nothing can be added."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"is not known; known are {', '.join(sorted(names))}")
        return name

    return AfterValidator(check)
