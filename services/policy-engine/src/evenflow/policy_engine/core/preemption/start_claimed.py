"""Starts jobs in the room that was kept for them."""

from typing import TYPE_CHECKING

from evenflow.common.domain.decisions.decisions import Placement
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.placement.live_jobs import Tasks
from evenflow.policy_engine.core.reservations.reserved_room import placed_tasks
from evenflow.policy_engine.core.session.clearance import end_of
from evenflow.policy_engine.core.session.session import start

if TYPE_CHECKING:
    from evenflow.policy_engine.core.session.session import Session


def start_claimed(session: "Session") -> None:
    """Start jobs where room was kept for them, once all have stopped who had it.

    What can no longer start there gets its turn like all others.
    """
    state = session.state
    for job_id, claim in sorted(state.shard.claims.items()):
        if session.is_long:
            return
        job = state.shard.jobs[job_id]
        rooms = [state.rooms.room_of(task.node) for task in claim.tasks]
        is_gone = None in rooms
        if not is_gone and (claim.stopping or job.state is not JobState.PENDING):
            continue
        spec = job.spec
        scope, whole = state.scope_of(spec.queue), whole_request(spec, len(claim.tasks))
        if (
            is_gone
            or any(room is not None and room.is_overdrawn() for room in rooms)
            or _is_in_the_way(session, spec, claim.tasks)
            or not state.rooms.could_hold(state.rooms.shape_of(spec))
            or (scope and session.gates.judge(scope, whole, spec.job_type) is not None)
        ):
            session.claims.append(Placement(job_id, claim.attempt, ()))
            session.length += 1
            continue
        state.contention.claimed.start(job_id)
        start(session, job, scope, whole, claim.tasks)


def _is_in_the_way(session: "Session", spec: JobSpec, tasks: Tasks) -> bool:
    """Whether a reservation that was made since would lose what is claimed."""
    parts, end = placed_tasks(spec, tasks), end_of(session, spec)
    reserved, nodes = session.state.reserved, dict.fromkeys(task.node for task in tasks)
    # What is known of these nodes counts the claim as taken; the question is asked as if it were
    # not, and afterwards it counts again.
    for name in nodes:
        reserved.touch(name)
    found = reserved.conflict(spec, parts, session.now, end, len(tasks))
    for name in nodes:
        reserved.touch(name)
    return found is not None
