"""Start first jobs of leaves that wait for the sake of another leaf of their class."""

from evenflow.common.domain.jobs.job import whole_request
from evenflow.policy_engine.core.reservations import Conflict
from evenflow.policy_engine.core.session.clearance import clear_of, cut, is_kept_for
from evenflow.policy_engine.core.session.session import Pass, start
from evenflow.policy_engine.core.waiting.job_class import JobClass, JobGroup


def start_heads(work: Pass) -> None:
    """Start first jobs of leaves whose class is closed for another leaf's sake.

    Jobs of a class are placed alike, but not for as long, nor for the same queue. With backfill,
    which looks at them too, only those are started here that room is kept for.
    """
    for job_class in list(work.state.waiting.classes.held):
        for path, group in _firsts(work, job_class):
            while not work.is_long and _start_first(work, path, group):
                pass


def _firsts(work: Pass, job_class: JobClass) -> list[tuple[str, JobGroup]]:
    """Return the groups of a class that stand first in their leaf, or were passed over."""
    waiting = work.state.waiting
    every = [(path, waiting.head_of(path)[1]) for path in job_class.leaves]
    every += job_class.asides
    every.sort(key=lambda each: (waiting.chain_of(each[0]), each[0], each[1].user))
    return every


def _start_first(work: Pass, path: str, group: JobGroup) -> bool:
    state = work.state
    leaf, head = state.waiting.leaf_or_none(path), state.waiting.head_or_none(path)
    first = None if leaf is None else leaf.first_of(group)
    if first is None or (work.settings.strict_order and (head is None or head[0] != first)):
        return False
    job = state.shard.jobs[first]
    spec, scope, whole = job.spec, state.waiting.scope_of(path), whole_request(job.spec)
    if work.fills_gaps and not is_kept_for(work, spec):
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
