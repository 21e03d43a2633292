"""What the binder takes from the settings."""

from evenflow.binder.core.retry import Patience
from evenflow.binder.term import Duty
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.runtime.settings import Settings

LOCAL = "local"
SIMULATED = "simulated"


def duty_of(settings: Settings) -> Duty:
    """Return what this process acts for; a cluster is named by its executor, without its size."""
    return Duty(
        cluster=SIMULATED if settings.cluster_choice.is_simulated else LOCAL,
        max_starts=settings.binder.max_starts,
        call_timeout=settings.binder.call_timeout.total_seconds(),
        # Neither this machine nor a simulated cluster is ever out of reach while we run on it, so
        # nothing that may be alive is let go of by force.
        patience=Patience(force_after=None),
    )


def local_settings(settings: Settings) -> LocalSettings:
    """Return how this machine runs jobs."""
    local = settings.executor.local
    return LocalSettings(
        grace=local.grace,
        enforce_memory=local.enforce_memory,
        affinity=local.affinity,
        retention=local.retention,
    )
