"""Looks at the cluster at whole hours of virtual time and keeps what a report plots."""

from typing import Final

from evenflow.common.domain.clock import HOUR, Instant
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.simulator.core_run.outcome import HourlySeries

MOST_QUEUES: Final = 24  # that are followed; a plot of more says nothing


class HourlyRecorder:
    """Records one row an hour, of the state as it was just before that hour."""

    def __init__(self, engine: EngineState, begin: Instant, every_us: int = HOUR) -> None:
        """The first row is an hour after `begin`, or another step where an hour is too long."""
        self._every_us: Final = every_us
        self._engine: Final = engine
        has_gpus = any(node.capacity.get("gpu") for node in engine.shard.nodes.values())
        self.series: Final = HourlySeries("gpu" if has_gpus else "cpu")
        self.due = begin + every_us
        self._watched: Final = _watched(engine.shard)
        for path in self._watched:
            self.series.queue_share[path] = []
            self.series.queue_entitlement[path] = []

    def record(self) -> None:
        """Record the row that is due."""
        series, shard, resource = self.series, self._engine.shard, self.series.resource
        capacity = used = stranded = 0
        held = shard.ledger.nodes
        for name, node in shard.nodes.items():
            if not node.is_ready:
                continue
            whole = node.capacity.get(resource, 0)
            capacity += whole
            on_node = held.get(name)
            if on_node is not None:
                taken = on_node.resources.get(resource, 0)
                used += taken
                stranded += whole - taken
        pending = sum(shard.count(path).pending for path in shard.queues if "/" not in path)
        series.at.append(self.due)
        series.utilisation.append(used / capacity if capacity else 0.0)
        series.pending.append(pending)
        series.running.append(len(shard.jobs) - pending)
        series.fragmentation.append(stranded / (capacity - used) if capacity > used else 0.0)
        for path in self._watched:
            part = shard.ledger.held(path).resources.get(resource, 0)
            share = self._engine.shares.of(path).get(resource, 0.0)
            series.queue_share[path].append(part / capacity if capacity else 0.0)
            series.queue_entitlement[path].append(share / capacity if capacity else 0.0)
        self.due += self._every_us


def _watched(shard: ShardState) -> tuple[str, ...]:
    """Return the projects, or the leaves where there is but one project; the heaviest if many."""
    projects = [path for path in shard.queues if "/" not in path]
    paths = projects if len(projects) > 1 else [p for p in shard.queues if shard.is_leaf(p)]
    by_weight = sorted(paths, key=lambda path: (-shard.queues[path].weight, path))
    return tuple(by_weight[:MOST_QUEUES])
