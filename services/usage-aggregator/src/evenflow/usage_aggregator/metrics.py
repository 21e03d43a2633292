"""The aggregator's Prometheus series (USG-23): usage of each queue, and how fresh it is."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.usage.snapshot import UsageSnapshot
from evenflow.common.runtime.metrics import Metrics


class AggregatorMetrics:
    """Counters of the folding and the polls."""

    def __init__(self, metrics: Metrics) -> None:
        """Register them."""
        self.samples = metrics.counter(
            "usage_samples_total",
            "Samples read, by outcome (folded, duplicate, future).",
            ("outcome",),
        )
        self.fetch_seconds = metrics.histogram(
            "usage_fetch_seconds", "How long a poll took, from reading the samples to the log."
        )
        self.clock_jumps = metrics.counter(
            "usage_clock_jumps_total", "Polls that found the clock more than 30 s back."
        )
        self.fetch_failures = metrics.counter(
            "usage_fetch_failures_total", "Polls that published nothing; the old snapshot stays."
        )


class SnapshotCollector:
    """Shows the newest snapshot at each scrape; a queue that is gone from it has no series."""

    def __init__(
        self, snapshot: Callable[[], UsageSnapshot | None], now: Callable[[], Instant]
    ) -> None:
        """`now` is the shard's clock."""
        self._snapshot = snapshot
        self._now = now

    def register(self, registry: CollectorRegistry) -> None:
        """Show these series with the others of the process."""
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the series; none while there is no snapshot, as on a standby."""
        snapshot = self._snapshot()
        if snapshot is None:
            return
        age = snapshot.age_us(self._now()) / SECOND
        yield GaugeMetricFamily(
            "evenflow_usage_snapshot_age_seconds",
            "Age of the newest snapshot on the shard's clock.",
            value=age,
        )
        usage = GaugeMetricFamily(
            "evenflow_queue_historical_usage",
            "Decayed usage over decayed capacity, 0..1, of a queue and all below it.",
            labels=("queue", "resource"),
        )
        for resource in sorted(snapshot.queues.normalized):
            for path in snapshot.queues.rows:
                usage.add_metric((path, resource), snapshot.queues.ratio_of(path, resource))
        yield usage
