"""The exporter's Prometheus series (USG-02), made from the state when somebody asks. Base units."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from evenflow.common.domain.facts.usage import UsageEntry
from evenflow.common.domain.queue import Queue
from evenflow.common.domain.state import ShardState
from evenflow.exporter.core.sampling import capacity_of, in_base_units

_Key = tuple[str, str, str, str]
"""Queue, project, user, resource."""


class UsageTotals:
    """Resource-seconds sampled by this process. They only grow, as counters must."""

    def __init__(self) -> None:
        """Nothing was used."""
        self._exact: dict[_Key, float] = {}
        self._shown: dict[_Key, float] = {}

    def add(self, entries: Iterable[UsageEntry]) -> None:
        """Count entries; what a late end takes back is held against what comes next."""
        for entry in entries:
            for resource, amount in entry.amounts.items():
                key = entry.queue, entry.project, entry.user, resource
                exact = self._exact[key] = self._exact.get(key, 0.0) + amount
                if exact > self._shown.get(key, 0.0):
                    self._shown[key] = exact

    def items(self) -> Iterable[tuple[_Key, float]]:
        """Return the totals."""
        return self._shown.items()


class ExporterCollector:
    """Reads the state at each scrape, so that no series outlives what it counts."""

    def __init__(self, state: Callable[[], ShardState], totals: UsageTotals) -> None:
        """`state` gives the state that is folded."""
        self._state = state
        self._totals = totals

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
            "Base units times seconds that running jobs held, up to the last tick.",
            labels=("queue", "project", "user", "resource"),
        )
        # The one series with a user: docs and decisions name it as the exception.
        for key, amount in self._totals.items():
            used.add_metric(key, amount)
        yield used
        capacity = GaugeMetricFamily(
            "evenflow_cluster_capacity",
            "What the ready nodes have together, in base units.",
            labels=("resource",),
        )
        for resource, amount in in_base_units(capacity_of(state.nodes.values())).items():
            capacity.add_metric((resource,), amount)
        yield capacity


def _add_held(family: GaugeMetricFamily, state: ShardState, queue: Queue) -> None:
    for resource, amount in in_base_units(state.ledger.held(queue.path).resources).items():
        family.add_metric((queue.path, queue.project, resource), amount)
