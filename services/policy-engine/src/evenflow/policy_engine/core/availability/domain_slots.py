"""The slots for one ask in one domain: now, and as what runs is planned to end.

A node is opened - its ends are gone through, to see what each gives - only when a question reaches
the first of them. Most questions are answered by the next few ends of the whole domain.
"""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from sortedcontainers import SortedList

from evenflow.common.domain.clock import Instant

Gain = tuple[Instant, str, int]
"""When, the node, and how many further slots."""


class NodeSlots(NamedTuple):
    """One node's share in a domain."""

    free: int  # slots now
    first_end: Instant | None  # before which it gains nothing; None: what it gains is known
    gains: tuple[Gain, ...] = ()


class DomainSlots:
    """Nodes with their slots, and all gains in order of time, worked out as far as asked."""

    __slots__ = ("_closed", "_ends", "_gains", "_nodes", "_open", "_total", "free", "roomy")

    def __init__(self, open_node: Callable[[str], tuple[Gain, ...]]) -> None:
        """There is no node. `open_node` tells what one gains, in order of time."""
        self._open: Final = open_node
        self._nodes: Final[dict[str, NodeSlots]] = {}
        self._gains: Final[SortedList[Gain]] = SortedList()
        self._ends: list[tuple[Instant, str]] = []  # a heap; of nodes that may be closed still
        self._closed = 0  # nodes that were not opened
        self._total = 0  # slots now, and all gains of open nodes
        self.free = 0
        self.roomy: Final[dict[str, None]] = {}  # nodes with room now

    def __len__(self) -> int:
        """Return how many nodes there are, whether they ever have room or not."""
        return len(self._nodes)

    def put(self, name: str, free: int, first_end: Instant | None) -> None:
        """Add a node that is not here; `first_end` None: it never gains anything."""
        self._nodes[name] = NodeSlots(free, first_end)
        self.free += free
        self._total += free
        if free:
            self.roomy[name] = None
        if first_end is not None:
            self._closed += 1
            heappush(self._ends, (first_end, name))
            if len(self._ends) > 2 * len(self._nodes) + 64:
                self._ends = [each for each in dict.fromkeys(self._ends) if self._is_closed(*each)]
                heapify(self._ends)

    def drop(self, name: str) -> None:
        """Remove a node."""
        node = self._nodes.pop(name)
        self.free -= node.free
        self._total -= node.free
        if node.free:
            del self.roomy[name]
        if node.first_end is not None:
            self._closed -= 1
        for gain in node.gains:
            self._total -= gain[2]
            self._gains.remove(gain)

    def free_on(self, name: str) -> int:
        """Return the slots of a node now."""
        return self._nodes[name].free

    def may_reach(self, slots: int) -> bool:
        """Whether there may ever be so many; false is certain."""
        return self._closed > 0 or self._total >= slots

    def gains(self) -> Iterator[Gain]:
        """Yield all gains by time, then by node; nothing may change meanwhile."""
        gains, at = self._gains, 0
        while True:
            found = gains[at] if at < len(gains) else None
            # What a node gains comes no earlier than its first end, so behind all that was told.
            while self._ends and (found is None or self._ends[0][0] <= found[0]):
                end, name = heappop(self._ends)
                if self._is_closed(end, name):
                    self._open_node(name)
                    found = gains[at] if at < len(gains) else None
            if found is None:
                return
            yield found
            at += 1

    def _is_closed(self, end: Instant, name: str) -> bool:
        node = self._nodes.get(name)
        return node is not None and node.first_end == end

    def _open_node(self, name: str) -> None:
        gains = self._open(name)
        self._nodes[name] = NodeSlots(self._nodes[name].free, None, gains)
        self._closed -= 1
        self._total += sum(gain for _, _, gain in gains)
        self._gains.update(gains)
