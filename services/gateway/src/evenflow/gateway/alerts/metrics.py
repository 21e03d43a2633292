"""What the gateway shows to Prometheus of quota alerts."""

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.runtime.metrics import Metrics


class AlertMetrics:
    """Counters of quota alerts and of telling receivers of them."""

    def __init__(self, metrics: Metrics) -> None:
        """Register them."""
        self.deliveries = metrics.counter(
            "alert_deliveries_total",
            "Tries to tell receivers of alerts: delivered; failed, to be tried again; dropped.",
            ("outcome",),
        )
        for outcome in ("delivered", "failed", "dropped"):
            self.deliveries.labels(outcome)
        self._alerts = metrics.counter(
            "quota_alerts_total",
            "Alerts that were folded since the start: raised, or fallen back.",
            ("direction",),
        )

    def note(self, entry: Entry, outcome: Folded | Void) -> None:
        """Count the alerts of a folded entry."""
        if isinstance(entry.fact, quotas.Alerted) and isinstance(outcome, Folded):
            for place in outcome.alerts:
                is_raised = entry.fact.alerts[place].is_raised
                self._alerts.labels("raised" if is_raised else "fallen").inc()
