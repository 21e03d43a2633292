"""What the gateway shows to Prometheus: jobs by queue and state (OBS-02)."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from evenflow.common.domain.state.shard_state import ShardState


class ShardCollector(Collector):
    """Reads the folded state when it is asked: no gauge has to be kept up to date."""

    def __init__(self, state: Callable[[], ShardState]) -> None:
        """`state` is looked up at every scrape."""
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        state = self._state()
        jobs = GaugeMetricFamily(
            "evenflow_queue_jobs",
            "Jobs of a leaf queue: pending wait, running hold resources.",
            labels=("queue", "state"),
        )
        for path in state.queues:
            if not state.children.get(path):
                jobs.add_metric((path, "pending"), state.count(path).pending)
                jobs.add_metric((path, "running"), state.ledger.held(path).jobs)
        yield jobs
        total = GaugeMetricFamily(
            "evenflow_queue_jobs_accepted",
            "Jobs ever accepted into a leaf queue.",
            labels=("queue",),
        )
        for path in state.queues:
            if not state.children.get(path):
                total.add_metric((path,), state.count(path).total)
        yield total
