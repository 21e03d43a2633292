"""What the binder shows of itself."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from evenflow.binder.core.reports import Step
from evenflow.common.runtime.metrics import Metrics

_LAG_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)


class BinderMetrics:
    """Counters and times of runs, registered once a process."""

    def __init__(self, metrics: Metrics) -> None:
        """Register."""
        self._binds = metrics.counter(
            "binds_total",
            "Steps of runs told to the log, by phase; ends by outcome too. Refused ones never ran.",
            ("phase", "outcome"),
        )
        self.bind_seconds = metrics.histogram(
            "bind_duration_seconds",
            "From the decision to the running task, wall seconds: what acting on a decision takes.",
        )
        self.report_lag_seconds = metrics.histogram(
            "report_lag_seconds",
            "From hearing of the oldest step in a report to its being in the log.",
            buckets=_LAG_BUCKETS,
        )
        self.live_runs = metrics.gauge(
            "live_runs", "Runs that may be alive on the cluster; 0 on a standby."
        )
        self.call_failures = metrics.counter(
            "cluster_call_failures_total",
            "Calls to the cluster that failed and are made again: above 0 for long, look at it.",
            ("call",),
        )

    def count(self, steps: Iterable[Step]) -> None:
        """Count steps that the log holds now."""
        kinds = Counter((step.phase, step.outcome) for step in steps)
        for (phase, outcome), number in kinds.items():
            self._binds.labels(phase.value, outcome.value if outcome else "").inc(number)
