"""Placements beside reservations: all of it, the least of it, somewhere else, or not now."""

from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.estimates.run_times import ENDLESS, latest_end, longest_run_us
from evenflow.policy_engine.core.reservations.reserved_room import Conflict, placed_tasks
from evenflow.policy_engine.core.session.session import Session

Tasks = tuple[TaskPlacement, ...]
MOST_CLOSED: Final = 4_096
"""Nodes that one cycle closes for a moment to look for room elsewhere: each costs a little."""


class Clearance(NamedTuple):
    """Tasks whose room is taken, of which the first `kept` may start."""

    tasks: Tasks
    kept: int


def clearance_of(session: Session, job: Job, tasks: Tasks) -> Clearance | Conflict:
    """Return what of a placement may start, here or elsewhere; else what it is in the way of.

    The room of `tasks` is put back where they are not those that are returned.
    """
    if not session.state.shard.reservations:
        return Clearance(tasks, len(tasks))
    spec, least = job.spec, job.spec.least_tasks
    end = end_of(session, spec)
    found = _conflict(session, spec, tasks, end, len(tasks))
    if found is None:
        return Clearance(tasks, len(tasks))
    if least < len(tasks):
        found = _conflict(session, spec, tasks, end, least)
        if found is None:
            return Clearance(tasks, least)
    session.state.rooms.put_back(spec, tasks)
    if session.fills_gaps and session.state.waiting.classes.no_room:
        # Nobody can be promised what is taken for a moment.
        session.promises.make(session.promises.blocked_before(spec.queue, spec.executor))
    elsewhere = place_elsewhere(session, spec, found)
    if elsewhere is None:
        return found
    if _conflict(session, spec, elsewhere, end, len(elsewhere)) is None:
        return Clearance(elsewhere, len(elsewhere))
    session.state.rooms.put_back(spec, elsewhere)
    return found


def first_conflict(session: Session, spec: JobSpec, tasks: Tasks) -> Conflict | None:
    """Return what tasks would be in the way of first, however long they ran."""
    return _conflict(session, spec, tasks, ENDLESS, len(tasks))


def place_elsewhere(session: Session, spec: JobSpec, found: Conflict) -> Tasks | None:
    """Take room for a job on nodes that have none for what it would be in the way of."""
    rooms = session.state.rooms
    shape, most = rooms.shape_of(spec), MOST_CLOSED - session.closed_nodes
    names = session.state.reserved.nodes_to_spare(found, spec, session.now, most)
    if names is None or shape.is_blocked:
        return None
    session.closed_nodes += len(names)
    return rooms.place_around(shape, names)


def is_kept_for(session: Session, spec: JobSpec) -> bool:
    """Whether a job would use what is kept for its queue, so that no promise to others counts."""
    if not session.state.shard.reservations:
        return False
    held = session.state.commitments.resources
    return session.state.reserved.is_kept_for(spec, whole_request(spec), session.now, held)


def most_growth(session: Session, job: Job, tasks: Tasks) -> int:
    """Return how many of a gang's further tasks are in no reservation's way."""
    if not session.state.shard.reservations:
        return len(tasks)
    spec, first = job.spec, len(job.placement)
    end = latest_end(job, session.now, session.settings.expected_duration_us)
    reserved, parts = session.state.reserved, placed_tasks(spec, tasks, first)
    low, high = 0, len(tasks)
    while low < high:
        middle = (low + high + 1) // 2
        if reserved.conflict(spec, parts, session.now, end, middle) is None:
            low = middle
        else:
            high = middle - 1
    return low


def end_of(session: Session, spec: JobSpec) -> Instant:
    """Return when a job is over at the latest if it starts now."""
    return session.now + longest_run_us(spec, session.settings.expected_duration_us)


def _conflict(
    session: Session, spec: JobSpec, tasks: Tasks, end: Instant, kept: int
) -> Conflict | None:
    if not session.state.shard.reservations:
        return None
    return session.state.reserved.conflict(spec, placed_tasks(spec, tasks), session.now, end, kept)


def cut(session: Session, spec: JobSpec, clear: Clearance) -> Tasks:
    """Return the tasks that may start; the room of the others is free again."""
    if clear.kept < len(clear.tasks):
        session.state.rooms.release(spec, clear.tasks[clear.kept :], clear.kept)
    return clear.tasks[: clear.kept]
