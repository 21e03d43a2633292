"""Facts about the engine's settings."""

from dataclasses import dataclass

from evenflow.common.domain.decisions.settings import SchedulerSettings


@dataclass(frozen=True, slots=True)
class Set:
    """From here on cycles decide with these settings."""

    scheduler: SchedulerSettings
