"""Fields of queues and quotas as a file of other rules states them, in the units of the domain."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.queues import queue as queue_rules
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas import quota as quota_rules
from evenflow.common.domain.quotas.quota import JOB_TYPES, Quota
from evenflow.common.domain.resources import parse_amount, parse_resources
from evenflow.common.runtime.settings.problems import Problem, shown

_GIB: Final = 2**30
_UNLIMITED: Final = (None, -1, "-1")
_Reader = Callable[[Any, str], object]


def queue_fields(
    given: Mapping[str, Any], where: str, policies: Mapping[str, object], problems: list[Problem]
) -> dict[str, object]:
    """Return the fields of `Queue` that are stated; what is wrong is added to `problems`."""

    def policy(value: Any, place: str) -> str | None:
        if value is None or value in policies:
            return value  # type: ignore[no-any-return]  # None or a name
        raise InvalidValue(place, value, f"is not known; known are {', '.join(sorted(policies))}")

    readers: dict[str, tuple[str, _Reader]] = {
        "weight": ("weight", _number),
        "priority": ("priority", _whole),
        "deserved": ("deserved", _amounts),
        "limit": ("limit", _amounts),
        "max_concurrent_jobs": ("max_concurrent_jobs", _whole_or_none),
        "enabled": ("enabled", _yes_or_no),
        "policy": ("policy", policy),
        "target_wait_seconds": ("target_wait_us", _microseconds),
    }
    values = dict(_read(given, where, readers, problems))
    if values:
        queue = Queue("", where.partition(".")[2], **values)  # type: ignore[arg-type]
        _judge(queue_rules.broken_rules(queue), where, problems)
    return values


def quota_fields(
    given: Mapping[str, Any], where: str, problems: list[Problem]
) -> dict[str, object]:
    """Return the fields of `Quota` that are stated.

    Resources and types of jobs are told one by one, None for those without limit.
    """
    readers: dict[str, tuple[str, _Reader]] = {
        "max_concurrent_jobs": ("max_jobs", _whole_or_none),
        "enforce": ("enforce", _yes_or_no),
        "gpu_hours": ("gpu_hours", lambda value, place: _amount("gpu", value, place)),
        "period": ("period", _text),
        **{f"max_{name}_jobs": (f"max_by_type.{name}", _whole_or_none) for name in JOB_TYPES},
        **{name: (f"resources.{name}", _amount_of(name)) for name in ("cpu", "memory", "gpu")},
    }
    ours = tuple(readers)
    for name in given:
        # Any resource may have a quota, and names of resources have no underscore.
        is_ours = name in ours or "_" in name or get_close_matches(name, ours, cutoff=0.75)
        if not is_ours:
            readers[name] = (f"resources.{name}", _amount_of(name))
    values: dict[str, object] = {}
    for name, value in _read(given, where, readers, problems):
        group, _, member = name.partition(".")
        if member:
            held = values.setdefault(group, {})
            assert isinstance(held, dict)  # noqa: S101 - for the type checker
            held[member] = value
        else:
            values[name] = value
    if "gpu_hours" in values and values["gpu_hours"] is None:
        values["period"] = None
    return values


def _read(
    given: Mapping[str, Any],
    where: str,
    readers: Mapping[str, tuple[str, _Reader]],
    problems: list[Problem],
) -> Iterator[tuple[str, object]]:
    for name, value in given.items():
        place = f"{where}.{name}"
        if name not in readers:
            near = get_close_matches(name, readers, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(readers)}"
            problems.append(Problem(place, shown("", value), f"is unknown; {hint}"))
            continue
        field, reader = readers[name]
        try:
            yield field, reader(value, place)
        except InvalidValue as error:
            problems.append(Problem(error.field, shown("", error.value), error.rule))


def _judge(broken: Iterator[InvalidValue], where: str, problems: list[Problem]) -> None:
    problems += [
        Problem(f"{where}.{error.field}", shown("", error.value), error.rule) for error in broken
    ]


def judge_quota(quota: Quota) -> list[Problem]:
    """Return the rules that a quota breaks once what differs is put in place."""
    found: list[Problem] = []
    _judge(quota_rules.broken_rules(quota), f"quotas.{quota.path}", found)
    return found


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(place, value, "must be a number")
    return float(value)


def _whole(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(place, value, "must be a whole number")
    return value


def _whole_or_none(value: Any, place: str) -> int | None:
    return None if value in _UNLIMITED else _whole(value, place)


def _yes_or_no(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(place, value, "must be true or false")
    return value


def _text(value: Any, place: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidValue(place, value, "must be text")
    return value


def _microseconds(value: Any, place: str) -> int | None:
    if value in _UNLIMITED:
        return None
    seconds = _number(value, place)
    if not 0 <= seconds < 1e10:  # noqa: PLR2004 - three centuries
        raise InvalidValue(place, value, "must be at least 0; null: no target")
    return round(seconds * SECOND)


def _amounts(value: Any, place: str) -> dict[str, int] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidValue(place, value, "must map resources to amounts")
    read = {str(name): _amount(str(name), each, f"{place}.{name}") for name, each in value.items()}
    return {name: amount for name, amount in read.items() if amount is not None} or None


def _amount_of(name: str) -> _Reader:
    return lambda value, place: _amount(name, value, place)


def _amount(name: str, value: Any, place: str) -> int | None:
    """Read one amount as fleets state it: a bare number of memory is GiB."""
    if value in _UNLIMITED:
        return None
    parse_resources({name: 0}, field=place)  # only the name is in question
    if name == "memory" and isinstance(value, int | float) and not isinstance(value, bool):
        return round(_number(value, place) * _GIB)
    return parse_amount(name, value, field=place)
