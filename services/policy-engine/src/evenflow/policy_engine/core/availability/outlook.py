"""When nodes will have room for one ask, if all that runs ends as it is planned to.

Kept up to date node by node: an event makes those nodes be looked at again whose jobs changed, and
the clock those whose jobs have missed a planned end. So a question costs what it walks over.
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core.availability.domain_slots import DomainSlots, Gain
from evenflow.policy_engine.core.availability.planned_ends import Part, PlannedEnds
from evenflow.policy_engine.core.availability.shadow import Shadow, shadow_of
from evenflow.policy_engine.core.estimates.run_times import ENDLESS
from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.request import Request
from evenflow.policy_engine.core.placement.nodes.room import Room

FEWEST_GAINS: Final = 2_000
Domain = tuple[str, str]
"""A cluster, and the value of the level in which all tasks have to be; empty: no level."""


class NodeWindow(NamedTuple):
    """The part of a window that is on one node, as requests of its tasks."""

    begin: Instant
    end: Instant
    requests: tuple[Request, ...]


class Slots(NamedTuple):
    """Slots of a domain: those that are free now, by node, and further ones in order of time."""

    now: dict[str, int]
    gains: list[Gain]


class Outlook:
    """The slots for one ask that nodes have and will have, by domain."""

    def __init__(self, planned_ends: PlannedEnds, kind: str, ask: Ask, level: str | None) -> None:
        """Nothing was looked at; `level` is the label in whose domains a gang has to stay."""
        self.cursor = -1  # the change to go on from; -1: look at all nodes
        self._planned_ends = planned_ends
        self._kind = kind
        self._ask = ask
        self._level = level
        self._domains: dict[Domain, DomainSlots] = {}
        self._domain_of: dict[str, Domain] = {}
        self._stale: list[tuple[Instant, str]] = []  # when a planned end is missed, by node
        self._stale_at: dict[str, Instant] = {}
        self._now: Instant = 0  # as of when it is up to date

    def look_at_all(self, now: Instant) -> None:
        """Look at every node of the kind."""
        for name in list(self._domain_of):
            self._drop(name)
        self._now = now
        for room in self._planned_ends.rooms.rooms_of(self._kind):
            self._take_in(room, now)

    def look_at(self, name: str, now: Instant) -> None:
        """Look at a node again."""
        self._now = now
        self._drop(name)
        room = self._planned_ends.rooms.room_of(name)
        if room is not None and room.node.kind == self._kind:
            self._take_in(room, now)

    def follow_clock(self, now: Instant) -> None:
        """Look again at nodes where something runs on past its planned end."""
        self._now = now
        while self._stale and self._stale[0][0] <= now:
            at, name = heappop(self._stale)
            if self._stale_at.get(name) == at:
                self.look_at(name, now)

    def shadows(self, wanted: int, now: Instant) -> Iterator[tuple[Domain, Shadow]]:
        """Yield for each domain that will have so many slots when, and what it leaves beside."""
        for domain, slots in self._domains.items():
            if slots.may_reach(wanted):
                ends = ((at, gain) for at, _, gain in slots.gains())
                shadow = shadow_of(ends, slots.free, wanted, now)
                if shadow is not None:
                    yield domain, shadow

    def domains(self) -> list[Domain]:
        """Return all domains with nodes that will do, sorted."""
        return sorted(self._domains)

    @property
    def request(self) -> Request:
        """What one task asks for."""
        return self._ask.request

    def slots_by(self, domain: Domain, wanted: int, besides: Mapping[str, object]) -> Slots:
        """Return slots of nodes `besides` some: now by node, and gains until there are `wanted`.

        Some more are told, so that windows which begin then are seen with what comes free in them.
        """
        slots = self._domains.get(domain)
        if slots is None:
            return Slots({}, [])
        now = {name: slots.free_on(name) for name in sorted(slots.roomy) if name not in besides}
        gains: list[Gain] = []
        known = sum(now.values())
        for gain in slots.gains():
            if known >= wanted and len(gains) >= FEWEST_GAINS and gain[0] > gains[-1][0]:
                break
            if gain[1] not in besides:
                gains.append(gain)
                known += gain[2]
        return Slots(now, gains)

    def steps(
        self, name: str, domain: Domain, windows: Sequence[NodeWindow], now: Instant
    ) -> list[tuple[Instant, int]]:
        """Return the slots of a node over time while it keeps windows free; first those now."""
        room = self._planned_ends.rooms.room_of(name)
        if room is None or self._domain_of.get(name) != domain:
            return [(now, 0)]
        sketch = self._sketch(room)
        held: dict[int, list[Part]] = {}
        # Ends come before begins at one instant.
        events: list[tuple[Instant, int, str, list[Part]]] = [
            (max(end, now), 0, job_id, parts)
            for end, job_id, parts in self._planned_ends.ends_on(name, now)
        ]
        for index, window in enumerate(windows):
            held[index] = []
            events += [(window.begin, 1, str(index), []), (window.end, 0, f"+{index}", held[index])]
        events.sort(key=lambda event: event[:3])
        found = [(now, self._slots(sketch))]
        for at, kind, key, parts in events:
            if kind:
                index = int(key)
                held[index] += _hold(sketch, windows[index].requests)
            else:
                _give(sketch, parts)
            slots = self._slots(sketch)
            if at <= now:
                found[0] = (now, slots)
            else:
                found.append((at, slots))
        return found

    def loss(self, name: str, domain: Domain, at: Instant, parts: list[Part], now: Instant) -> int:
        """Return how many slots a node of the domain has less at `at` while it holds `parts`.

        The parts are taken from its room already, and nobody else knows of them yet.
        """
        room = self._planned_ends.rooms.room_of(name)
        if room is None or self._domain_of.get(name) != domain:
            return 0
        sketch = self._sketch(room)
        for end, _, held in self._planned_ends.ends_on(name, now):
            if end > at:
                break
            _give(sketch, held)
        with_them = self._slots(sketch)
        _give(sketch, parts)
        return self._slots(sketch) - with_them

    def _take_in(self, room: Room, now: Instant) -> None:
        if not self._ask.node_filter.accepts(room.traits):
            return
        domain = (room.node.cluster, "")
        if self._level is not None:
            value = room.node.labels.get(self._level)
            if value is None:
                return  # a node without the label is in no domain of the level
            domain = (room.node.cluster, value)
        slots = self._domains.get(domain)
        if slots is None:
            slots = self._domains[domain] = DomainSlots(self._gains_of)
        ends = self._planned_ends.ends_on(room.name, now)
        slots.put(room.name, self._slots(room), ends[0][0] if ends else None)
        self._domain_of[room.name] = domain
        stale_at = next((end for end, _, _ in ends if end > now), ENDLESS)
        if stale_at < ENDLESS:
            self._stale_at[room.name] = stale_at
            heappush(self._stale, (stale_at, room.name))

    def _gains_of(self, name: str) -> tuple[Gain, ...]:
        """Return what each end on a node gives."""
        room = self._planned_ends.rooms.room_of(name)
        if room is None:
            return ()
        sketch, slots = self._sketch(room), self._slots(room)
        gains: list[Gain] = []
        for end, _, held in self._planned_ends.ends_on(name, self._now):
            _give(sketch, held)
            more = self._slots(sketch)
            if more > slots:
                gains.append((end, name, more - slots))
                slots = more
        return tuple(gains)

    def _sketch(self, room: Room) -> Room:
        sketch = room.sketch()
        sketch.traits = room.traits
        return sketch

    def _slots(self, room: Room) -> int:
        """Return how many tasks fit by amounts; whom they have to keep away from may be gone."""
        ask = self._ask
        if ask.occupied is None:
            return ask.slots(room) if ask.fits(room) else 0
        return min(ask.slots(room), room.slots(ask.request)) if room.fits(ask.request) else 0

    def _drop(self, name: str) -> None:
        domain = self._domain_of.pop(name, None)
        if domain is None:
            return
        self._stale_at.pop(name, None)
        slots = self._domains[domain]
        slots.drop(name)
        if not slots:
            del self._domains[domain]


def _hold(sketch: Room, requests: tuple[Request, ...]) -> list[Part]:
    """Let a sketch hold tasks; what does not fit any more is held by its amounts alone."""
    parts: list[Part] = []
    for request in requests:
        devices = sketch.choose_devices(request) if sketch.fits(request) else ()
        sketch.hold(request, devices, 1)
        parts.append((request, devices))
    return parts


def _give(sketch: Room, parts: list[Part]) -> None:
    for request, devices in parts:
        sketch.hold(request, devices, -1)
