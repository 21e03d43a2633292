"""Who holds how much of the cluster, and how much their weights say. Pure."""

from dataclasses import dataclass, field
from math import fsum

from evenflow.common.domain.resources import dominant_share, total
from evenflow.common.domain.state.shard_state import ShardState


@dataclass(slots=True)
class Shares:
    """Shares of a state as it is now; made for one answer, because states move."""

    state: ShardState
    capacity: dict[str, int] = field(init=False)
    _weighed: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sum up what all usable nodes have."""
        self.capacity = total(node.capacity for node in self.state.usable_nodes())

    def held_ratio(self, path: str) -> float:
        """Return what a queue holds of the cluster's dominant resource, 0..1."""
        return dominant_share(self.state.ledger.held(path).resources, self.capacity)

    def weight_ratio(self, path: str) -> float:
        """Return what a queue's weights promise, 0..1, if every enabled queue wanted it all."""
        if path not in self._weighed:
            parent = path.rpartition("/")[0]
            above = self.weight_ratio(parent) if parent else 1.0
            self._weigh(self._below(parent), above)
        return self._weighed[path]

    def _below(self, parent: str) -> list[str]:
        if parent:
            return sorted(self.state.children.get(parent, ()))
        return sorted(path for path in self.state.queues if "/" not in path)

    def _weigh(self, siblings: list[str], above: float) -> None:
        queues = self.state.queues
        whole = fsum(queues[path].weight for path in siblings if queues[path].enabled)
        for path in siblings:
            queue = queues[path]
            mine = queue.weight / whole if whole and queue.enabled else 0.0
            self._weighed[path] = above * mine
