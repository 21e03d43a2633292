"""Fill gaps: start what fits now and delays nobody who goes first, behind blocked heads too."""

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions import TaskPlacement
from evenflow.common.domain.job import Job, JobSpec, whole_request
from evenflow.policy_engine.core.backfill.promises import Losses, Promise
from evenflow.policy_engine.core.job_group import JobGroup, Order
from evenflow.policy_engine.core.leaf import Leaf
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.reservations import Conflict
from evenflow.policy_engine.core.reservations.action import (
    first_conflict,
    is_kept_for,
    place_elsewhere,
)
from evenflow.policy_engine.core.run_times import sure_run_us
from evenflow.policy_engine.core.turns import Chain
from evenflow.policy_engine.core.work import start

if TYPE_CHECKING:
    from evenflow.policy_engine.core.work import Pass

Tasks = tuple[TaskPlacement, ...]


class Bounds(NamedTuple):
    """What a placement costs promises, and which reservation it would be in the way of first."""

    losses: Losses
    conflict: Conflict | None

    def admit(self, work: "Pass", planned_us: int, spec: JobSpec | None) -> bool:
        """Whether a job that is planned to run so long may have it; None: any such job might."""
        if not _are_admitted(self.losses, work.now + planned_us):
            return False
        if self.conflict is None:
            return True
        default_us = work.settings.expected_duration_us
        sure_us = min(planned_us, default_us) if spec is None else sure_run_us(spec, default_us)
        return work.now + sure_us <= self.conflict.at


class _Candidate(NamedTuple):
    """The jobs of one group behind a blocked head, or its own."""

    chain: Chain
    order: Order
    path: str
    group: JobGroup


def is_held_back(work: "Pass", job: Job, tasks: Tasks) -> bool:
    """Whether a head that fits would delay a blocked job which comes before it by right.

    `tasks` are where it fits, their room taken; it is put back when the job is held back.
    """
    if not _is_on(work) or not work.state.waiting.classes.no_room:
        return False
    spec, rooms = job.spec, work.state.rooms
    blocked = work.promises.blocked_before(spec.queue, spec.executor)
    if not blocked:
        return False
    if not work.promises.are_made(blocked):
        # Nobody can be promised what this job has taken for a moment.
        rooms.put_back(spec, tasks)
        work.promises.make(blocked)
        rooms.place(rooms.shape_of(spec))  # finds the same
    promises = work.promises.make(blocked)
    losses = work.promises.losses(promises, spec, tasks)
    end = _end(work, job)
    if _are_admitted(losses, end):
        _take(losses, end)
        return False
    rooms.put_back(spec, tasks)
    return True


def fill_gaps(work: "Pass") -> None:
    """Start jobs behind blocked heads, in the order of turns, where that delays none of these."""
    waiting, left = work.state.waiting, work.settings.backfill_tested_jobs
    if not _is_on(work) or not (waiting.classes.no_room or waiting.classes.held):
        return
    shapes = [shape for shape in waiting.crowd if _has_a_gap(work, shape)]
    heap = _candidates(work, shapes)
    while heap and not work.is_long:
        found = heappop(heap)
        current = _candidate(work, found.path, found.group)
        if current is None:
            continue
        if current > found:  # its leaf has got something since
            heappush(heap, current)
            continue
        started, tested = _fill(work, found, left)
        if left is not None:
            left -= tested
            if left <= 0:
                return
        if started and (again := _candidate(work, found.path, found.group)) is not None:
            heappush(heap, again)


def _is_on(work: "Pass") -> bool:
    return work.settings.strict_order and work.settings.backfill != "off"


def _candidates(work: "Pass", shapes: list[Shape]) -> list[_Candidate]:
    """Return the groups of shapes that have room, where their leaf is blocked, as a heap."""
    heap = [
        candidate
        for shape in shapes
        for path, group in work.state.waiting.crowd[shape]
        if (candidate := _candidate(work, path, group)) is not None
    ]
    heapify(heap)
    return heap


def _has_a_gap(work: "Pass", shape: Shape) -> bool:
    """Whether any job of a shape may start, as far as that can be told without looking at each.

    What the first blocked job is promised binds all that are behind it, so all candidates.
    """
    if shape.is_blocked:
        return False
    if work.state.shard.reservations:
        return True  # some may have what is kept for them, or go elsewhere than promised room is
    promises, kind = work.promises, shape.kind.name
    first = [(each.job_class.key.shape, 1) for each in promises.first_blocked(kind)[:1]]
    kept = promises.make(first)
    tasks = work.state.rooms.place(shape)
    if tasks is None:
        return False
    losses = promises.losses(kept, shape.example, tasks)
    work.state.rooms.put_back(shape.example, tasks)
    by_limit = work.state.planning.is_by_limit
    return _are_admitted(
        losses, work.now + (work.state.waiting.shortest_of(shape) if by_limit else 0)
    )


def _candidate(work: "Pass", path: str, group: JobGroup) -> _Candidate | None:
    waiting = work.state.waiting
    leaf = waiting.leaf_or_none(path)
    if leaf is None or group.shape.is_blocked or leaf.policy.selects is not None:
        return None
    head = waiting.head_or_none(path)
    order = leaf.order_of(group)
    if head is None or order is None:
        return None
    job_class, classes = waiting.class_of(path), waiting.classes
    if job_class not in classes.no_room and job_class not in classes.held:
        return None  # behind a head that a gate refuses nobody passes (SCH-12)
    return _Candidate(waiting.chain_of(path), order, path, group)


def _fill(work: "Pass", candidate: _Candidate, most: int | None) -> tuple[bool, int]:
    """Start the first job of a group that delays nobody; return how many were looked at too."""
    state, path, group = work.state, candidate.path, candidate.group
    leaf = state.waiting.leaf_or_none(path)
    first = None if leaf is None else leaf.first_of(group)
    if leaf is None or first is None:
        return False, 0
    spec = state.shard.jobs[first].spec
    scope, whole = state.waiting.scope_of(path), whole_request(spec)
    if scope and work.gates.judge(scope, whole, spec.job_type) is not None:
        return False, 0
    promises = work.promises.make(work.promises.blocked_before(path, spec.executor))
    own = _promise_to_head(work, path)
    if own is not None and own not in promises:
        promises.append(own)
    if is_kept_for(work, spec):
        promises = []
    tasks = state.rooms.place(group.shape)
    if tasks is None:
        return False, 0
    conflict = first_conflict(work, spec, tasks)
    losses = work.promises.losses(promises, spec, tasks)
    job, tested = _first_admitted(work, leaf, group, Bounds(losses, conflict), most)
    if job is None:
        state.rooms.put_back(spec, tasks)
        tasks = None if conflict is None else place_elsewhere(work, spec, conflict)
        if tasks is None:
            return False, tested
        bounds = Bounds(
            work.promises.losses(promises, spec, tasks), first_conflict(work, spec, tasks)
        )
        job, tested = _first_admitted(work, leaf, group, bounds, most)
        losses = bounds.losses
        if job is None:
            state.rooms.put_back(spec, tasks)
            return False, tested
    _take(losses, _end(work, job))
    start(work, job, scope, whole, tasks)
    return True, tested


def _promise_to_head(work: "Pass", path: str) -> Promise | None:
    """Return what is promised to the blocked head of a leaf, whichever comes first elsewhere."""
    waiting = work.state.waiting
    if waiting.class_of(path) not in waiting.classes.no_room:
        return None
    return work.promises.of(waiting.head_of(path)[1].shape)


def _first_admitted(
    work: "Pass", leaf: Leaf, group: JobGroup, bounds: Bounds, most: int | None
) -> tuple[Job | None, int]:
    """Return the first job of a group that may start, and how many were looked at.

    What is known of the shortest spares the search where even that one would run for too long.
    """
    jobs, ids = work.state.shard.jobs, leaf.ids_of(group)
    planning = work.state.planning
    shortest = leaf.shortest.get(group) if planning.is_by_limit else None
    if shortest is not None and not bounds.admit(work, shortest, None):
        return None, len(ids)
    if work.settings.backfill_order == "shortest":
        ids.sort(key=lambda i: planning.run_us(jobs[i].spec))  # stable: equal ones as before
    if most is not None:
        ids = ids[:most]
    for tested, job_id in enumerate(ids, 1):
        spec = jobs[job_id].spec
        if bounds.admit(work, planning.run_us(spec), spec):
            return jobs[job_id], tested
    if most is None and planning.is_by_limit:
        leaf.shortest[group] = min(planning.run_us(jobs[i].spec) for i in ids)
    return None, len(ids)


def _are_admitted(losses: Losses, end: Instant) -> bool:
    return all(promise.admits(end, lost) for promise, lost in losses)


def _take(losses: Losses, end: Instant) -> None:
    for promise, lost in losses:
        promise.take(end, lost)


def _end(work: "Pass", job: Job) -> Instant:
    """Return when a job is planned to end if it starts now; of endless ones, never."""
    return work.now + work.state.planning.run_us(job.spec)
