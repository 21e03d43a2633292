"""Which queue's turn is next: down the tree by priority and weighted share."""

import heapq
from collections.abc import Iterable
from math import inf
from typing import Final

from evenflow.common.domain.queue import lineage
from evenflow.common.domain.resources import Resources, dominant_share
from evenflow.common.domain.state import ShardState
from evenflow.policy_engine.core.commitments import Commitments

ROOT: Final = ""
Turn = tuple[int, float, int, str]
"""Ascending: minus priority, share over weight, creation, id (unique)."""


class Turns:
    """Deals out turns to queues. A heap a level: a turn costs the tree's depth, not its width."""

    def __init__(
        self,
        state: ShardState,
        commitments: Commitments,
        capacity: Resources,
        leaves: Iterable[str],
    ) -> None:
        """`leaves` are those with jobs to look at; `capacity` is the cluster's."""
        self._state = state
        self._commitments = commitments
        self._capacity = capacity
        self._heaps: dict[str, list[tuple[Turn, str]]] = {}
        paths = {path for leaf in leaves for path in lineage(leaf)}
        for path in sorted(paths):
            above = state.queues[path].parent or ROOT
            self._heaps.setdefault(above, []).append((self._turn(path), path))
        for heap in self._heaps.values():
            heapq.heapify(heap)

    def next_leaf(self) -> str | None:
        """Return the leaf whose turn it is; None when all are done."""
        path = ROOT
        while heap := self._heaps.get(path):
            path = heap[0][1]
        return path or None

    def placed(self, leaf: str) -> None:
        """The leaf, whose turn it was, placed a job: its share and those above it have grown."""
        for path in lineage(leaf):
            above = self._state.queues[path].parent or ROOT
            heapq.heapreplace(self._heaps[above], (self._turn(path), path))

    def done(self, leaf: str) -> None:
        """The leaf, whose turn it was, has no job left to look at."""
        for path in reversed(lineage(leaf)):
            above = self._state.queues[path].parent or ROOT
            heapq.heappop(self._heaps[above])
            if self._heaps[above]:
                return
            del self._heaps[above]

    def _turn(self, path: str) -> Turn:
        queue = self._state.queues[path]
        share = dominant_share(self._commitments.held(path).resources, self._capacity)
        weighted = share / queue.weight if queue.weight else inf
        return (-queue.priority, weighted, queue.created_at, queue.id)
