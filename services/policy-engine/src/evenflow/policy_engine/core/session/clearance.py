"""Placements beside reservations: all of it, the least of it, somewhere else, or not now."""

from typing import TYPE_CHECKING, Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.estimates.run_times import ENDLESS, sure_end, sure_run_us
from evenflow.policy_engine.core.reservations.reserved import Conflict, placed
from evenflow.policy_engine.core.session.session import start
from evenflow.policy_engine.core.waiting.job_group import JobGroup

if TYPE_CHECKING:
    from evenflow.policy_engine.core.session.session import Pass
    from evenflow.policy_engine.core.waiting.job_classes import JobClass

Tasks = tuple[TaskPlacement, ...]
MOST_SHUT: Final = 4_096
"""Nodes that one cycle closes for a moment to look for room elsewhere: each costs a little."""


class Clear(NamedTuple):
    """Tasks whose room is taken, of which the first `kept` may start."""

    tasks: Tasks
    kept: int


def clear_of(work: "Pass", job: Job, tasks: Tasks) -> Clear | Conflict:
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
    if fills_gaps(work) and work.state.waiting.classes.no_room:
        # Nobody can be promised what is taken for a moment.
        work.promises.make(work.promises.blocked_before(spec.queue, spec.executor))
    elsewhere = place_elsewhere(work, spec, found)
    if elsewhere is None:
        return found
    if _conflict(work, spec, elsewhere, end, len(elsewhere)) is None:
        return Clear(elsewhere, len(elsewhere))
    work.state.rooms.put_back(spec, elsewhere)
    return found


def first_conflict(work: "Pass", spec: JobSpec, tasks: Tasks) -> Conflict | None:
    """Return what tasks would be in the way of first, however long they ran."""
    return _conflict(work, spec, tasks, ENDLESS, len(tasks))


def place_elsewhere(work: "Pass", spec: JobSpec, found: Conflict) -> Tasks | None:
    """Take room for a job on nodes that have none for what it would be in the way of."""
    rooms = work.state.rooms
    shape, most = rooms.shape_of(spec), MOST_SHUT - work.shut
    names = work.state.reserved.nodes_to_spare(found, spec, work.now, most)
    if names is None or shape.is_blocked:
        return None
    work.shut += len(names)
    return rooms.place_around(shape, names)


def is_kept_for(work: "Pass", spec: JobSpec) -> bool:
    """Whether a job would use what is kept for its queue, so that no promise to others counts."""
    if not work.state.shard.reservations:
        return False
    held = work.state.commitments.resources
    return work.state.reserved.is_kept_for(spec, whole_request(spec), work.now, held)


def most_growth(work: "Pass", job: Job, tasks: Tasks) -> int:
    """Return how many of a gang's further tasks are in no reservation's way."""
    if not work.state.shard.reservations:
        return len(tasks)
    spec, first = job.spec, len(job.placement)
    end = sure_end(job, work.now, work.settings.expected_duration_us)
    reserved, parts = work.state.reserved, placed(spec, tasks, first)
    low, high = 0, len(tasks)
    while low < high:
        middle = (low + high + 1) // 2
        if reserved.conflict(spec, parts, work.now, end, middle) is None:
            low = middle
        else:
            high = middle - 1
    return low


def end_of(work: "Pass", spec: JobSpec) -> Instant:
    """Return when a job is over at the latest if it starts now."""
    return work.now + sure_run_us(spec, work.settings.expected_duration_us)


def _conflict(
    work: "Pass", spec: JobSpec, tasks: Tasks, end: Instant, kept: int
) -> Conflict | None:
    if not work.state.shard.reservations:
        return None
    return work.state.reserved.conflict(spec, placed(spec, tasks), work.now, end, kept)


def start_heads(work: "Pass") -> None:
    """Start first jobs of leaves whose class is closed for another leaf's sake.

    Jobs of a class are placed alike, but not for as long, nor for the same queue. With backfill,
    which looks at them too, only those are started here that room is kept for.
    """
    for job_class in list(work.state.waiting.classes.held):
        for path, group in _firsts(work, job_class):
            while not work.is_long and _start_first(work, path, group):
                pass


def fills_gaps(work: "Pass") -> bool:
    """Whether backfill looks at what waits behind closed classes."""
    return work.settings.strict_order and work.settings.backfill != "off"


def _firsts(work: "Pass", job_class: "JobClass") -> list[tuple[str, JobGroup]]:
    """Return the groups of a class that stand first in their leaf, or were passed over."""
    waiting = work.state.waiting
    every = [(path, waiting.head_of(path)[1]) for path in job_class.leaves]
    every += job_class.asides
    every.sort(key=lambda each: (waiting.chain_of(each[0]), each[0], each[1].user))
    return every


def _start_first(work: "Pass", path: str, group: JobGroup) -> bool:
    state = work.state
    leaf, head = state.waiting.leaf_or_none(path), state.waiting.head_or_none(path)
    first = None if leaf is None else leaf.first_of(group)
    if first is None or (work.settings.strict_order and (head is None or head[0] != first)):
        return False
    job = state.shard.jobs[first]
    spec, scope, whole = job.spec, state.waiting.scope_of(path), whole_request(job.spec)
    if fills_gaps(work) and not is_kept_for(work, spec):
        return False
    if scope and work.gates.judge(scope, whole, spec.job_type) is not None:
        return False
    tasks = None if group.shape.is_blocked else state.rooms.place(group.shape)
    if tasks is None:
        return False
    clear = clear_of(work, job, tasks)
    if isinstance(clear, Conflict):
        return False
    start(work, job, scope, whole, cut(work, spec, clear))
    return True


def cut(work: "Pass", spec: JobSpec, clear: Clear) -> Tasks:
    """Return the tasks that may start; the room of the others is free again."""
    if clear.kept < len(clear.tasks):
        work.state.rooms.give(spec, clear.tasks[clear.kept :], clear.kept)
    return clear.tasks[: clear.kept]
