"""What reservations keep: whether a placement would be in their way, and from when on.

Each reservation is a count: from its start to its end the nodes must go on to offer it its tasks,
those of its own jobs included. Which nodes these are is decided by where its jobs then go. When
nodes are lost, or what should have ended goes on, nothing is placed that makes it worse.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.requests import requests_of, whole_request
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.domain.resources import Resources, plus
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.availability.planned_ends import Part, PlannedEnds
from evenflow.policy_engine.core.estimates.run_times import latest_end
from evenflow.policy_engine.core.placement.live_jobs import LiveJobs, Tasks
from evenflow.policy_engine.core.placement.nodes.request import Request, RequestKey, key_of
from evenflow.policy_engine.core.reservations.overlap import (
    held_by,
    is_within,
    slots_lost_to,
    starts_within,
)
from evenflow.policy_engine.core.reservations.supply import Supply

PlacedTask = tuple[str, Part]
"""The node of a task, and what it holds there."""


class Conflict(NamedTuple):
    """A placement would be in the way of a reservation unless it is over by `at`."""

    reservation: Reservation
    at: Instant

    def reason(self) -> PendingReason:
        """Return what jobs are told that wait because of it."""
        kept = self.reservation
        return PendingReason(
            ReasonCode.RESERVED,
            {
                "reservation": kept.name,
                "reservation_id": kept.id,
                "for_queue": kept.queue,
                "start": kept.start_at,
                "end": kept.end_at,
            },
        )


class ReservedRoom:
    """All reservations of a shard, with what nodes can offer them; follows `touch` and `live`."""

    def __init__(self, shard: ShardState, planned_ends: PlannedEnds, live: LiveJobs) -> None:
        """Nothing is counted before the first question."""
        self._shard: Final = shard
        self._planned_ends: Final = planned_ends
        self._live: Final = live
        self._supplies: dict[tuple[str, Instant | None], Supply] = {}
        self._critical_at: Instant | None = None  # when those below were told
        self._critical: list[tuple[Instant, Reservation]] = []

    def follow(self, folded: Folded) -> None:
        """Take note of reservations that were made or cancelled."""
        if folded.reservations:
            self._critical_at = None

    def touch(self, name: str) -> None:
        """A node came, left or changed."""
        if self._live.touched is not None:
            self._live.touched[name] = None

    def next_change(self, now: Instant) -> Instant | None:
        """Return when the next reservation begins or ends; None when none will."""
        times = [t for r in self._shard.reservations.values() for t in (r.start_at, r.end_at)]
        return min((at for at in times if at > now), default=None)

    def conflict(
        self, spec: JobSpec, tasks: Sequence[PlacedTask], now: Instant, end: Instant, kept: int
    ) -> Conflict | None:
        """Return what the first `kept` tasks are in the way of if they run until `end`.

        The room of all of `tasks` is taken already, and nobody else knows of them yet.

        Returns:
            The first reservation, by the instant; None when they may run as long as that.
        """
        if not self._shard.reservations:
            return None
        for at, reservation in self._to_look_at(now):
            if at >= end:
                break
            if reservation.executor == spec.executor and not reservation.is_for(spec.queue):
                supply = self._supply(reservation, at, now, _by_node(tasks))
                before = supply.most
                without = supply.most_without(_rest_by_node(tasks, kept), now)
                if without < before and without < self._needed(reservation, at, now, spec):
                    return Conflict(reservation, at)
        return None

    def nodes_to_spare(
        self, conflict: Conflict, spec: JobSpec, now: Instant, most: int
    ) -> list[str] | None:
        """Return nodes without which a job is in the way of nothing that a conflict is about.

        Those on which one of its tasks costs room, but for as many as may be lost in any case.
        None when more than `most` nodes would have to be looked at.
        """
        kept, at = conflict
        supply = self._supply(kept, at, now, {})
        names = supply.nodes()
        if len(names) > most:
            return None
        wanted = dict.fromkeys(key_of(each) for each in requests_of(spec, 0, spec.least_tasks))
        requests = [Request(key) for key in wanted]
        losing = [name for name in names if supply.would_lose_slots(name, requests, now)]
        surplus = supply.most - self._needed(kept, at, now, spec)
        return supply.all_but(surplus, losing, requests[0])

    def is_kept_for(
        self, spec: JobSpec, whole: Resources, now: Instant, held: Callable[[str], Resources]
    ) -> bool:
        """Whether a job would use what is kept for its queue now; `held`: by a queue in all."""
        return any(
            kept.is_for(spec.queue)
            and kept.start_at <= now < kept.end_at
            and kept.executor == spec.executor
            and is_within(kept, plus(held(kept.queue), whole))
            for kept in self._shard.reservations.values()
        )

    def _to_look_at(self, now: Instant) -> list[tuple[Instant, Reservation]]:
        """Return each instant from now on at which most may be kept of a reservation, in order."""
        if self._critical_at != now:
            everyone = [r for r in self._shard.reservations.values() if r.end_at > now]
            found = [(at, r) for r in everyone for at in starts_within(r, everyone, now)]
            found.sort(key=lambda each: (each[0], each[1].start_at, each[1].id))
            self._critical, self._critical_at = found, now
        return self._critical

    def _needed(self, kept: Reservation, at: Instant, now: Instant, spec: JobSpec) -> int:
        """Return how many slots a reservation needs at an instant, beside the others.

        A job that stays within what is kept for it does not have to leave room for the rest of
        that: the others would keep it from its own.
        """
        needed = kept.tasks
        for other in self._shard.reservations.values():
            if other.id != kept.id and other.overlaps(at, at + 1):
                held = self._held_at(other, at, now)
                if other.executor == spec.executor and other.is_for(spec.queue):
                    held = plus(held, whole_request(spec))
                    if is_within(other, held):
                        continue
                needed += slots_lost_to(other, kept, held)
        return needed

    def _held_at(self, kept: Reservation, at: Instant, now: Instant) -> dict[str, int]:
        """Return what a reservation's jobs hold now and are sure to hold at an instant still."""
        jobs, default_us = self._shard.jobs, self._shard.settings.expected_duration_us
        return held_by(
            kept,
            (
                (jobs[job_id], len(self._live.placement_of(job_id)))
                for job_id in self._live
                if at <= now or latest_end(jobs[job_id], now, default_us) > at
            ),
        )

    def _supply(
        self, kept: Reservation, at: Instant, now: Instant, parts: dict[str, list[Part]]
    ) -> Supply:
        """Return what nodes offer, as if `parts` were not taken from them."""
        self._catch_up(now, parts)
        key = (kept.id, None if at <= now else at)
        found = self._supplies.get(key)
        if found is None:
            found = self._supplies[key] = Supply(
                kept, key[1], shard=self._shard, planned_ends=self._planned_ends, live=self._live
            )
            for room in self._planned_ends.rooms.rooms_of(kept.executor):
                found.look_at(room.name, now, parts.get(room.name, ()))
        return found

    def _catch_up(self, now: Instant, parts: dict[str, list[Part]]) -> None:
        touched = self._live.touched
        if touched is None:  # nobody followed so far
            touched = self._live.touched = {}
            self._supplies.clear()
        known = self._shard.reservations
        for key in [k for k in self._supplies if k[0] not in known or (k[1] or now + 1) <= now]:
            del self._supplies[key]
        for name in touched:
            for supply in self._supplies.values():
                supply.look_at(name, now, parts.get(name, ()))
        touched.clear()


def placed_tasks(spec: JobSpec, tasks: Tasks, first: int = 0) -> list[PlacedTask]:
    """Return what each task from `first` on holds, and on which node."""
    requests = requests_of(spec, first, first + len(tasks))
    made: dict[RequestKey, Request] = {}
    found: list[PlacedTask] = []
    for task, wanted in zip(tasks, requests, strict=True):
        key = key_of(wanted)
        request = made.get(key) or made.setdefault(key, Request(key))
        found.append((task.node, (request, task.devices)))
    return found


def _by_node(tasks: Sequence[PlacedTask]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for node, part in tasks:
        found.setdefault(node, []).append(part)
    return found


def _rest_by_node(tasks: Sequence[PlacedTask], kept: int) -> dict[str, list[Part]]:
    """Return for each node of the tasks what those from `kept` on hold there."""
    found: dict[str, list[Part]] = {node: [] for node, _ in tasks}
    return found | _by_node(tasks[kept:])
