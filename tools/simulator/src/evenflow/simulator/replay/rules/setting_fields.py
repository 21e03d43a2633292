"""Which settings of a cycle a key of `evenflow.yaml` decides.

Not a table beside the one in the engine, which would soon tell another story: each key is given
another value, and what the engine makes of it is compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.sources import known_keys
from evenflow.policy_engine.config import scheduler_settings

SECTIONS: Final = tuple(
    name
    for name in ("scheduler", "fairness", "backfill", "preemption")
    if name in Settings.model_fields
)
"""Of the settings: those that cycles decide by."""
KEYS: Final = tuple(key for key in known_keys() if key.partition(".")[0] in SECTIONS)


def domain_fields(key: str) -> frozenset[str]:
    """Return the fields of a cycle's settings that a key decides; none: it is for the loop."""
    usual = Settings()
    before = scheduler_settings(usual)
    after = scheduler_settings(_with(usual, key.split("."), _another))
    names = (each.name for each in fields(SchedulerSettings))
    return frozenset(name for name in names if getattr(before, name) != getattr(after, name))


def values_of(settings: Settings, keys: Iterator[str]) -> Mapping[str, object]:
    """Return what the given keys decide, by field, as the settings have it."""
    wanted = frozenset[str]().union(*(domain_fields(key) for key in keys))
    found = scheduler_settings(settings)
    return {name: getattr(found, name) for name in sorted(wanted)}


def _with(model: Any, path: list[str], change: Any) -> Any:
    """Return a copy with one value changed, unchecked: any other value will do."""
    name, *rest = path
    value = getattr(model, name)
    return model.model_copy(
        update={name: _with(value, rest, change) if isinstance(value, BaseModel) else change(value)}
    )


def _another(value: Any) -> Any:
    """Return another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case timedelta():
            return value + timedelta(seconds=1)
        case str():
            return value + "-"
        case tuple():
            return (*value, "-")
    return 1 if value is None else value  # absent numbers are limits that there are not
