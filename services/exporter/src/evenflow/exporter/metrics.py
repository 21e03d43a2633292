"""The exporter's Prometheus series (USG-02), made from the state when somebody asks. Base units."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.exporter.core.sampling import capacity_of, in_base_units
from evenflow.exporter.core.totals import UsageTotals


class ExporterCollector:
    """Reads the state at each scrape, so that no series outlives what it counts."""

    def __init__(
        self,
        state: Callable[[], ShardState],
        totals: UsageTotals,
        running: Callable[[], Iterable[tuple[JobSpec, Resources]]],
        max_jobs: int = 5000,
    ) -> None:
        """`state` gives the state that is folded, `running` the jobs that run and what each holds.

        `max_jobs` jobs have series of their own.
        """
        self._state = state
        self._totals = totals
        self._running = running
        self._max_jobs = max_jobs

    def register(self, registry: CollectorRegistry) -> None:
        """Show these series with the others of the process."""
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the series."""
        state = self._state()
        allocated = GaugeMetricFamily(
            "evenflow_queue_allocated",
            "What the live jobs of a leaf queue hold, in base units.",
            labels=("queue", "project", "resource"),
        )
        for path in sorted(state.queues):
            if state.is_leaf(path):
                _add_held(allocated, state, state.queues[path])
        yield allocated
        used = CounterMetricFamily(
            "evenflow_usage_seconds",
            "Base units times seconds that running jobs held, up to the last tick. Never resets.",
            labels=("queue", "project", "user", "resource"),
        )
        # A user is a label here, where they add up, and of the few jobs that run; nowhere else.
        for key, amount in self._totals.items():
            used.add_metric(key, amount)
        yield used
        yield from self._of_jobs()
        yield self._held_by_jobs()
        yield from _of_nodes(state)

    def _of_jobs(self) -> Iterator[Metric]:
        used = CounterMetricFamily(
            "evenflow_job_usage_seconds",
            "Base units times seconds of one job, until ten minutes after its end.",
            labels=("job", "queue", "project", "resource"),
        )
        jobs = self._totals.jobs
        # Always the same ones, those that began first: a series that comes and goes is worth less.
        for job_id, job in islice(jobs.items(), self._max_jobs):
            for resource, counter in job.counters.items():
                used.add_metric((job_id, job.queue, job.project, resource), counter.shown)
        yield used
        yield GaugeMetricFamily(
            "evenflow_job_series_hidden_jobs",
            "Jobs without series of their own, because `export.max_job_series` have them.",
            value=max(0, len(jobs) - self._max_jobs),
        )

    def _held_by_jobs(self) -> Metric:
        held = GaugeMetricFamily(
            "evenflow_workload_allocated",
            "What a running job holds, in base units; gone with its end.",
            labels=("workload", "queue", "project", "user", "resource"),
        )
        for spec, amounts in islice(self._running(), self._max_jobs):
            for resource, amount in in_base_units(amounts).items():
                held.add_metric((spec.id, spec.queue, spec.project, spec.user, resource), amount)
        return held


def _of_nodes(state: ShardState) -> Iterator[Metric]:
    capacity = GaugeMetricFamily(
        "evenflow_cluster_capacity",
        "What the ready nodes have together, in base units.",
        labels=("resource",),
    )
    for resource, amount in in_base_units(capacity_of(state.nodes.values())).items():
        capacity.add_metric((resource,), amount)
    yield capacity
    health = GaugeMetricFamily(
        "evenflow_node_ready",
        "1 while its cluster says that the node can run work, else 0.",
        labels=("cluster", "node"),
    )
    counts: Counter[tuple[str, str]] = Counter()
    for name in sorted(state.nodes):
        node = state.nodes[name]
        health.add_metric((node.cluster, name), float(node.is_ready))
        for word in ("ready", "not-ready", "cordoned"):
            counts[node.cluster, word] += 0
        counts[node.cluster, "ready" if node.is_ready else "not-ready"] += 1
        counts[node.cluster, "cordoned"] += name in state.cordoned
    yield health
    nodes = GaugeMetricFamily(
        "evenflow_nodes",
        "Nodes by state; a cordoned one is ready or not, too.",
        labels=("cluster", "state"),
    )
    for (cluster, word), count in counts.items():
        nodes.add_metric((cluster, word), count)
    yield nodes


def _add_held(family: GaugeMetricFamily, state: ShardState, queue: Queue) -> None:
    for resource, amount in in_base_units(state.ledger.held(queue.path).resources).items():
        family.add_metric((queue.path, queue.project, resource), amount)
