"""Backfill in the cycle: heads that would delay others are held back, then gaps are filled."""

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import Job
from evenflow.policy_engine.core.backfill.bounds import are_admitted, take
from evenflow.policy_engine.core.backfill.conservative import fill_conservatively
from evenflow.policy_engine.core.backfill.gaps import fill_easily
from evenflow.policy_engine.core.session.promises import Promise
from evenflow.policy_engine.core.session.session import Session

Tasks = tuple[TaskPlacement, ...]


def is_held_back(session: Session, job: Job, tasks: Tasks) -> bool:
    """Whether a head that fits would delay a blocked job which comes before it by right.

    `tasks` are where it fits, their room taken; it is put back when the job is held back.
    """
    if not session.state.waiting.classes.no_room or not session.fills_gaps:
        return False
    spec, rooms = job.spec, session.state.rooms
    blocked = session.promises.blocked_before(spec.queue, spec.executor)
    if not blocked:
        return False
    if not session.promises.are_made(blocked):
        # Nobody can be promised what this job has taken for a moment.
        rooms.put_back(spec, tasks)
        session.promises.make(blocked)
        rooms.place(rooms.shape_of(spec))  # finds the same
    promises = session.promises.make(blocked)
    losses = session.promises.losses(promises, spec, tasks)
    end = session.now + session.state.planning.run_us(spec)
    if are_admitted(losses, end):
        take(losses, end)
        return False
    rooms.put_back(spec, tasks)
    return True


def fill_gaps(session: Session) -> None:
    """Start jobs behind blocked heads, as the settings say, where that delays nobody."""
    classes = session.state.waiting.classes
    if not session.fills_gaps or not (classes.no_room or classes.held):
        return
    if session.settings.backfill == "conservative":
        fill_conservatively(session)
    else:
        fill_easily(session)


def promised(session: Session, kind: str) -> list[Promise] | None:
    """Return what is promised to those that wait for room on a kind of cluster.

    All room that is taken must be that of jobs which the state knows of. None: somebody waits, and
    nothing can be told to be none of his, for gaps are not filled or by windows.
    """
    classes = session.state.waiting.classes
    if not (classes.no_room or classes.held):
        return []
    if not session.fills_gaps or session.settings.backfill == "conservative":
        return None
    return session.promises.make(session.promises.blocked(kind))
