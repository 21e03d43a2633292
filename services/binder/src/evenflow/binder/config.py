"""What the binder takes from the settings and the kind of its cluster."""

from evenflow.binder.core.retry import Patience
from evenflow.binder.term import Duty
from evenflow.common.ports.cluster import ClusterKind
from evenflow.common.runtime.settings import Settings


def duty_of(settings: Settings, kind: ClusterKind) -> Duty:
    """Return what this process acts for; a cluster is named by its kind, without its size."""
    return Duty(
        cluster=kind.name,
        max_starts=settings.binder.max_starts,
        call_timeout=settings.binder.call_timeout.total_seconds(),
        patience=Patience(force_after=kind.force_after_seconds),
    )
