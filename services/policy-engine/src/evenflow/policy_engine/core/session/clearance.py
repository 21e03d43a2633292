"""Placements beside reservations: all of it, the least of it, somewhere else, or not now."""

from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import Job, JobSpec, whole_request
from evenflow.policy_engine.core.estimates.run_times import ENDLESS, latest_end, longest_run_us
from evenflow.policy_engine.core.reservations.reserved_room import Conflict, placed_tasks
from evenflow.policy_engine.core.session.session import Pass

Tasks = tuple[TaskPlacement, ...]
MOST_SHUT: Final = 4_096
"""Nodes that one cycle closes for a moment to look for room elsewhere: each costs a little."""


class Clear(NamedTuple):
    """Tasks whose room is taken, of which the first `kept` may start."""

    tasks: Tasks
    kept: int


def clear_of(work: Pass, job: Job, tasks: Tasks) -> Clear | Conflict:
    """Return what of a placement may start, here or elsewhere; else what it is in the way of.

    The room of `tasks` is put back where they are not those that are returned.
    """
    if not work.state.shard.reservations:
        return Clear(tasks, len(tasks))
    spec, least = job.spec, job.spec.least_tasks
    end = end_of(work, spec)
    found = _conflict(work, spec, tasks, end, len(tasks))
    if found is None:
        return Clear(tasks, len(tasks))
    if least < len(tasks):
        found = _conflict(work, spec, tasks, end, least)
        if found is None:
            return Clear(tasks, least)
    work.state.rooms.put_back(spec, tasks)
    if work.fills_gaps and work.state.waiting.classes.no_room:
        # Nobody can be promised what is taken for a moment.
        work.promises.make(work.promises.blocked_before(spec.queue, spec.executor))
    elsewhere = place_elsewhere(work, spec, found)
    if elsewhere is None:
        return found
    if _conflict(work, spec, elsewhere, end, len(elsewhere)) is None:
        return Clear(elsewhere, len(elsewhere))
    work.state.rooms.put_back(spec, elsewhere)
    return found


def first_conflict(work: Pass, spec: JobSpec, tasks: Tasks) -> Conflict | None:
    """Return what tasks would be in the way of first, however long they ran."""
    return _conflict(work, spec, tasks, ENDLESS, len(tasks))


def place_elsewhere(work: Pass, spec: JobSpec, found: Conflict) -> Tasks | None:
    """Take room for a job on nodes that have none for what it would be in the way of."""
    rooms = work.state.rooms
    shape, most = rooms.shape_of(spec), MOST_SHUT - work.shut
    names = work.state.reserved.nodes_to_spare(found, spec, work.now, most)
    if names is None or shape.is_blocked:
        return None
    work.shut += len(names)
    return rooms.place_around(shape, names)


def is_kept_for(work: Pass, spec: JobSpec) -> bool:
    """Whether a job would use what is kept for its queue, so that no promise to others counts."""
    if not work.state.shard.reservations:
        return False
    held = work.state.commitments.resources
    return work.state.reserved.is_kept_for(spec, whole_request(spec), work.now, held)


def most_growth(work: Pass, job: Job, tasks: Tasks) -> int:
    """Return how many of a gang's further tasks are in no reservation's way."""
    if not work.state.shard.reservations:
        return len(tasks)
    spec, first = job.spec, len(job.placement)
    end = latest_end(job, work.now, work.settings.expected_duration_us)
    reserved, parts = work.state.reserved, placed_tasks(spec, tasks, first)
    low, high = 0, len(tasks)
    while low < high:
        middle = (low + high + 1) // 2
        if reserved.conflict(spec, parts, work.now, end, middle) is None:
            low = middle
        else:
            high = middle - 1
    return low


def end_of(work: Pass, spec: JobSpec) -> Instant:
    """Return when a job is over at the latest if it starts now."""
    return work.now + longest_run_us(spec, work.settings.expected_duration_us)


def _conflict(work: Pass, spec: JobSpec, tasks: Tasks, end: Instant, kept: int) -> Conflict | None:
    if not work.state.shard.reservations:
        return None
    return work.state.reserved.conflict(spec, placed_tasks(spec, tasks), work.now, end, kept)


def cut(work: Pass, spec: JobSpec, clear: Clear) -> Tasks:
    """Return the tasks that may start; the room of the others is free again."""
    if clear.kept < len(clear.tasks):
        work.state.rooms.release(spec, clear.tasks[clear.kept :], clear.kept)
    return clear.tasks[: clear.kept]
