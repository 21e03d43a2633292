"""What the binder takes from the settings and the kind of its cluster."""

from evenflow.binder.core.retry import RetryPolicy
from evenflow.binder.term import TermSettings
from evenflow.common.ports.cluster import ClusterKind
from evenflow.common.runtime.settings import Settings


def term_settings(settings: Settings, kind: ClusterKind) -> TermSettings:
    """Return what this process acts for; a cluster is named by its kind, without its size."""
    return TermSettings(
        cluster=kind.name,
        max_starts=settings.binder.max_starts,
        call_timeout=settings.binder.call_timeout.total_seconds(),
        retry_policy=RetryPolicy(force_after=kind.force_after_seconds),
    )
