"""What the binder shows of itself."""

from typing import Final

from evenflow.binder.core.reports import Step
from evenflow.common.domain.job import TaskPhase
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
            "From hearing of a step to its report being in the log: grows while that is away.",
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
        self._children = {
            phase: self._binds.labels(phase.value, "") for phase in TaskPhase
        }  # a label lookup per step would cost more than the step

    def count(self, step: Step) -> None:
        """Count one step of a run."""
        if step.outcome is None:
            self._children[step.phase].inc()
        else:
            self._binds.labels(step.phase.value, step.outcome.value).inc()
