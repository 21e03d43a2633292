"""What the settings choose: a window, and a kind of store."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard

from pydantic import BaseModel

from evenflow.common.domain.clock import Instant
from evenflow.common.ports.usage_backends import BackendSetup, UsageBackend
from evenflow.common.runtime.registry import Registry
from evenflow.common.runtime.settings import Settings, UsageSettings
from evenflow.common.runtime.settings.problems import reporting
from evenflow.usage_aggregator.adapters.cron import CronCalendar
from evenflow.usage_aggregator.core.window import Recurring, Sliding, Tumbling, Window

MICROSECOND: Final = timedelta(microseconds=1)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _is_backend(part: object) -> TypeGuard[UsageBackend]:
    return isinstance(part, UsageBackend)


BACKENDS: Final = Registry(
    "usage_backends",
    _is_backend,
    {
        name: f"evenflow.usage_aggregator.adapters.{place}"
        for name, place in (
            ("log", "log:KIND"),
            ("prometheus", "promql:PROMETHEUS"),
            ("victoriametrics", "promql:VICTORIAMETRICS"),
            ("influx", "influx:KIND"),
            ("memory", "memory:KIND"),
        )
    },
)
"""Entry points of the group `evenflow.usage_backends` add to it."""


def window_of(usage: UsageSettings) -> Window:
    """Return the window that was chosen.

    Raises:
        InvalidValue: the cron expression cannot be used.
    """
    size_us = usage.window_size // MICROSECOND
    if usage.window_type == "sliding":
        return Sliding.of(size_us, usage.poll_interval // MICROSECOND)
    if usage.window_type == "tumbling" and usage.tumbling_window_anchor is not None:
        anchor = (usage.tumbling_window_anchor - _EPOCH) // MICROSECOND
        fields = (
            ("type", "tumbling"),
            ("size_seconds", usage.window_size / timedelta(seconds=1)),
            ("anchor", usage.tumbling_window_anchor.astimezone(UTC).isoformat()),
        )
        return Recurring(Tumbling(size_us, anchor), fields)
    calendar = CronCalendar(usage.window_cron or "", usage.window_time_zone)
    calendar.check()
    return Recurring(
        calendar,
        (
            ("type", "cron"),
            ("size_seconds", None),
            ("anchor", None),
            ("cron", calendar.expression),
            ("time_zone", calendar.zone),
        ),
    )


def backend_of(usage: UsageSettings) -> tuple[UsageBackend, Mapping[str, Any]]:
    """Return the kind of store that was chosen, and its own settings.

    Raises:
        PluginError: it is not installed, or cannot be used.
    """
    kind = BACKENDS.get(usage.backend.chosen)
    options = getattr(usage.backend, kind.name, None)
    if isinstance(options, BaseModel):
        return kind, {name: getattr(options, name) for name in type(options).model_fields}
    return kind, options or {}


def check_usage(settings: Settings) -> None:
    """Judge window and store before anything is started; for `run_service`.

    Raises:
        InvalidSettings: one of them cannot be used.
    """
    usage = settings.usage
    with reporting("usage.window_cron", usage.window_cron):
        window_of(usage)
    with reporting("usage.backend.type", usage.backend.chosen):
        kind, options = backend_of(usage)
        kind.check(BackendSetup(options, usage.poll_interval // MICROSECOND, None, None))


def has_future_anchor(usage: UsageSettings, now: Instant) -> bool:
    """Say whether nothing counts yet, because the first window has not begun (USG-13)."""
    anchor = usage.tumbling_window_anchor
    return (
        usage.window_type == "tumbling"
        and anchor is not None
        and now <= (anchor - _EPOCH) // MICROSECOND
    )
