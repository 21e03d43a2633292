"""The nodes of a set that fit one ask, best first: a heap that is repaired when asked."""

from heapq import heapify, heappop, heappush, heapreplace
from typing import Protocol

from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.room import Entry, Room

SLACK = 64  # stale entries that are not worth a look


class Searched(Protocol):
    """Rooms with the log of their changes; `end` is the number of entries there ever were."""

    rooms: dict[str, Room]
    log: list[Entry]
    end: int

    def limit_heaps(self) -> None:
        """A heap was made anew: there may be too many."""


class Candidates:
    """A heap over all rooms that fit. Stale entries are dropped when they come up.

    Every room that fits has exactly one entry of its current version, in the heap or in the part of
    the log behind `cursor`. A heap that is asleep has no room at all and does not follow the log;
    who is told of every room that comes free wakes it.
    """

    __slots__ = ("_count", "_counted_at", "_limit", "ask", "cursor", "heap", "is_asleep", "nodes")

    def __init__(self, ask: Ask, nodes: Searched) -> None:
        """Nothing was looked at."""
        self.ask = ask
        self.nodes = nodes
        self.heap: list[Entry] = []
        self.cursor = -1  # the log entry to go on from; -1: look at all rooms
        self.is_asleep = False
        self._count = self._limit = 0
        self._counted_at = -1

    def best(self) -> Room | None:
        """Return the best room that fits now."""
        if self.cursor != self.nodes.end:
            if self.is_asleep:
                return None
            self.catch_up()
        heap = self.heap
        occupied = self.ask.occupied
        while heap:
            entry = heap[0]
            room = entry[3]
            if entry[2] == room.version and (occupied is None or occupied.is_free(room)):
                return room
            heappop(heap)
        return None

    def catch_up(self) -> None:
        """Follow the log to its end."""
        nodes, heap = self.nodes, self.heap
        missed = nodes.end - self.cursor
        if not missed:
            return
        if self.cursor < 0 or missed > len(nodes.rooms):  # as quick, and the log may be shorter
            self._look_at_all()
        else:
            self._follow(nodes.log[-missed:])
            if len(heap) > 2 * len(nodes.rooms) + SLACK:
                # In place: a gang that sets candidates aside puts them back into this list.
                heap[:] = [entry for entry in heap if entry[2] == entry[3].version]
                heapify(heap)
        self.cursor = nodes.end

    def use(self, room: Room) -> None:
        """Follow the change of the room that `best` returned, if it is the only one since."""
        if self.cursor == self.nodes.end - 1:
            self.cursor += 1
            if self.ask.fits(room):
                heapreplace(self.heap, self.ask.entry(room))
            else:
                heappop(self.heap)

    def slots(self, limit: int) -> int:
        """Return how many tasks fit beside each other; `limit` when it is at least that."""
        nodes = self.nodes
        ask, count = self.ask, 0
        occupied, slots = ask.occupied, ask.slots
        # What is occupied changes without a word in the log of these nodes.
        is_known = self._counted_at == nodes.end and occupied is None
        if is_known and (self._count < self._limit or limit <= self._limit):
            return min(self._count, limit)
        if self.best() is None:
            return 0
        for entry in self.heap:
            room = entry[3]
            if entry[2] == room.version and (occupied is None or occupied.is_free(room)):
                count += slots(room)
                if count >= limit:
                    break
        self._count, self._limit, self._counted_at = min(count, limit), limit, nodes.end
        return self._count

    def rooms(self) -> list[tuple[Entry, int]]:
        """Return every room that fits as a candidate, with its slots, in no particular order."""
        if self.best() is None:
            return []
        occupied, slots = self.ask.occupied, self.ask.slots
        return [
            (entry, slots(entry[3]))
            for entry in self.heap
            if entry[2] == entry[3].version and (occupied is None or occupied.is_free(entry[3]))
        ]

    def fall_asleep(self) -> None:
        """Stop following the log, if nothing fits. Whoever says so must call `wake` in time."""
        if not self.heap and self.cursor == self.nodes.end:
            self.is_asleep = True

    def wake(self, cursor: int) -> None:
        """Follow the log again from an entry on; before it nothing fitted."""
        if self.is_asleep:
            self.is_asleep = False
            self.cursor = cursor

    def forget(self) -> None:
        """Give up the heap; it is made anew when asked."""
        if not self.is_asleep:
            self.heap = []
            self.cursor = -1

    def _follow(self, log: list[Entry]) -> None:
        """Take in the rooms that changed."""
        heap, fits = self.heap, self.ask.fits
        if self.ask.score is None and self.ask.mixed is None:
            for entry in log:
                room = entry[3]
                if room.version == entry[2] and fits(room):
                    heappush(heap, entry)
            return
        rooms = [entry[3] for entry in log if entry[2] == entry[3].version and fits(entry[3])]
        for entry in self.ask.entries(rooms):
            heappush(heap, entry)

    def _look_at_all(self) -> None:
        fits = self.ask.fits
        self._keep(self.ask.entries([r for r in self.nodes.rooms.values() if fits(r)]))
        self.nodes.limit_heaps()

    def _keep(self, entries: list[Entry]) -> None:
        heapify(entries)
        self.heap = entries
