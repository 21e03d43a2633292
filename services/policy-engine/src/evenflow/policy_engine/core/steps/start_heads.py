"""Start first jobs of leaves that wait for the sake of another leaf of their class."""

from evenflow.common.domain.jobs.requests import whole_request
from evenflow.policy_engine.core.reservations import Conflict
from evenflow.policy_engine.core.session.clearance import clearance_of, cut, is_kept_for
from evenflow.policy_engine.core.session.session import Session, start
from evenflow.policy_engine.core.waiting.job_class import JobClass, JobGroup


def start_heads(session: Session) -> None:
    """Start first jobs of leaves whose class is closed for another leaf's sake.

    Jobs of a class are placed alike, but not for as long, nor for the same queue. With backfill,
    which looks at them too, only those are started here that room is kept for.
    """
    for job_class in list(session.state.waiting.classes.held):
        for path, group in _firsts(session, job_class):
            while not session.is_long and _start_first(session, path, group):
                pass


def _firsts(session: Session, job_class: JobClass) -> list[tuple[str, JobGroup]]:
    """Return the groups of a class that stand first in their leaf, or were passed over."""
    waiting = session.state.waiting
    every = [(path, waiting.head_of(path)[1]) for path in job_class.leaves]
    every += job_class.passed_over
    every.sort(key=lambda each: (waiting.chain_of(each[0]), each[0], each[1].user))
    return every


def _start_first(session: Session, path: str, group: JobGroup) -> bool:
    state = session.state
    leaf, head = state.waiting.leaf_or_none(path), state.waiting.head_or_none(path)
    first = None if leaf is None else leaf.first_of(group)
    if first is None or (session.settings.strict_order and (head is None or head[0] != first)):
        return False
    job = state.shard.jobs[first]
    spec, scope, whole = job.spec, state.waiting.scope_of(path), whole_request(job.spec)
    if session.fills_gaps and not is_kept_for(session, spec):
        return False
    if scope and session.gates.judge(scope, whole, spec.job_type) is not None:
        return False
    tasks = None if group.shape.is_blocked else state.rooms.place(group.shape)
    if tasks is None:
        return False
    clear = clearance_of(session, job, tasks)
    if isinstance(clear, Conflict):
        return False
    start(session, job, scope, whole, cut(session, spec, clear))
    return True
