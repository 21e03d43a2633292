"""How many tasks of a reservation the nodes could hold at one instant, node by node.

Counted as if the reservation's own jobs were not there: what they hold is theirs. Before its start
what is planned to have ended by then does not count either; after it only what is really free does.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.availability.outlook import Domain
from evenflow.policy_engine.core.availability.planned_ends import Part, PlannedEnds
from evenflow.policy_engine.core.estimates.run_times import latest_end
from evenflow.policy_engine.core.placement.live_jobs import LiveJobs
from evenflow.policy_engine.core.placement.nodes.node_traits import NodeFilter, filter_key
from evenflow.policy_engine.core.placement.nodes.request import Request, key_of
from evenflow.policy_engine.core.placement.nodes.room import Room


class Supply:
    """Slots of one reservation at `at`; None: from now on, for it has begun."""

    __slots__ = (
        "_at", "_is_apart", "_level", "_live", "_node_filter", "_nodes", "_planned_ends",
        "_request", "_reservation", "_shard", "_totals",
    )  # fmt: skip

    def __init__(
        self,
        reservation: Reservation,
        at: Instant | None,
        *,
        shard: ShardState,
        planned_ends: PlannedEnds,
        live: LiveJobs,
    ) -> None:
        """No node was looked at."""
        constraints = reservation.constraints
        self._reservation: Final = reservation
        self._at: Final = at
        self._shard: Final = shard
        self._planned_ends: Final = planned_ends
        self._live: Final = live
        self._request: Final = Request(key_of(reservation.resources))
        self._node_filter: Final = NodeFilter(filter_key(constraints))
        self._level: Final = constraints.required_level
        self._is_apart: Final = constraints.anti_affinity is not None
        self._nodes: dict[str, tuple[Domain, int]] = {}
        self._totals: dict[Domain, int] = {}

    @property
    def most(self) -> int:
        """How many fit where all of them may be together."""
        return max(self._totals.values(), default=0)

    def nodes(self) -> list[str]:
        """Return the nodes that hold any."""
        return [name for name, (_, slots) in self._nodes.items() if slots]

    def would_lose_slots(self, name: str, requests: Sequence[Request], now: Instant) -> bool:
        """Whether a node would hold fewer if it took a task with one of these requests."""
        room = self._planned_ends.rooms.room_of(name)
        return room is not None and any(
            self._slots(room, now, (), (request, room.choose_devices(request)))
            < self._nodes[name][1]
            for request in requests
            if room.fits(request)
        )

    def look_at(self, name: str, now: Instant, given: Sequence[Part] = ()) -> None:
        """Look at a node again, as if it had back what is `given`."""
        domain, slots = self._nodes.pop(name, (None, 0))
        if domain is not None:
            self._add(domain, -slots)
        room = self._planned_ends.rooms.room_of(name)
        found = None if room is None else self._domain(room)
        if room is not None and found is not None:
            slots = self._slots(room, now, given)
            self._nodes[name] = (found, slots)
            self._add(found, slots)

    def all_but(self, surplus: int, names: Sequence[str], request: Request) -> list[str]:
        """Return the nodes but for some that hold no more than `surplus` together.

        These are chosen by how many tasks with a request they have room for.
        """
        rooms = ((name, self._planned_ends.rooms.room_of(name)) for name in names)
        offers = [(-room.slots(request), name) for name, room in rooms if room is not None]
        others: list[str] = []
        for _, name in sorted(offers):
            slots = self._nodes[name][1]
            if slots <= surplus:
                surplus -= slots
            else:
                others.append(name)
        return others

    def most_without(self, changed: Mapping[str, Sequence[Part]], now: Instant) -> int:
        """Return how many would fit if these nodes had back only what is given, and no more."""
        losses: dict[Domain, int] = {}
        for name, given in changed.items():
            known, room = self._nodes.get(name), self._planned_ends.rooms.room_of(name)
            if known is not None and room is not None:
                lost = known[1] - self._slots(room, now, given)
                losses[known[0]] = losses.get(known[0], 0) + lost
        if not any(losses.values()):
            return self.most
        return max(total - losses.get(domain, 0) for domain, total in self._totals.items())

    def _slots(
        self, room: Room, now: Instant, given: Sequence[Part], taken: Part | None = None
    ) -> int:
        sketch = room.sketch()
        if taken is not None:
            sketch.hold(*taken, 1)
        for job_id in self._live.on_node(room.name):
            job = self._shard.jobs[job_id]
            if self._is_out_of_the_way(job, now):
                tasks = self._live.placement_of(job_id)
                for request, devices in self._planned_ends.parts(job.spec, tasks, room.name):
                    sketch.hold(request, devices, -1)
        for request, devices in given:
            sketch.hold(request, devices, -1)
        slots = sketch.slots(self._request)
        return min(slots, 1) if self._is_apart else slots

    def _is_out_of_the_way(self, job: Job, now: Instant) -> bool:
        if self._reservation.is_for(job.spec.queue):
            return True
        if self._at is None:
            return False
        default_us = self._shard.settings.expected_duration_us
        return job.must_stop or latest_end(job, now, default_us) <= self._at

    def _domain(self, room: Room) -> Domain | None:
        """Return in which domain a node counts; None when it does not."""
        node = room.node
        if node.kind != self._reservation.executor or not self._node_filter.accepts(room.traits):
            return None
        if self._level is None:
            return (node.cluster, "")
        value = node.name if self._level == NODE_LEVEL else node.labels.get(self._level)
        return None if value is None else (node.cluster, value)

    def _add(self, domain: Domain, slots: int) -> None:
        self._totals[domain] = self._totals.get(domain, 0) + slots
