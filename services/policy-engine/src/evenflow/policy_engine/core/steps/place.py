"""Give turns to queues, and start the job whose turn it is where there is room for it."""

from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.jobs.job import Job
from evenflow.policy_engine.core.backfill.step import is_held_back
from evenflow.policy_engine.core.gates.gates import PARKED
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.placement.nodes.unmet import Unmet, unmet
from evenflow.policy_engine.core.reservations import Conflict
from evenflow.policy_engine.core.session.clearance import clearance_of, cut, is_kept_for
from evenflow.policy_engine.core.session.session import Session, start
from evenflow.policy_engine.core.steps.reopen import close_tightened
from evenflow.policy_engine.core.waiting.job_class import JobClass


def place(session: Session) -> None:
    """Give turns to queues until nothing more fits or the decision is long enough."""
    state = session.state
    waiting, turns = state.waiting, state.waiting.turns
    if len(waiting):
        state.refresh_shares()
    jobs, effort = state.shard.jobs, state.effort
    while not session.is_long:
        turn = turns.next()
        if turn is None:
            if state.tightened:
                close_tightened(session)  # which may bring a job forward that was passed over
                continue
            break
        effort.shapes_tried += 1
        job_id, job_class = waiting.first_at(turn)
        _try(session, jobs[job_id], job_class)


def _try(session: Session, job: Job, job_class: JobClass) -> None:
    """Place a job, or park it, or close its class."""
    state, spec = session.state, job.spec
    scope = job_class.key.scope
    refused = session.gates.judge(scope, job_class.whole, spec.job_type) if scope else None
    if refused is not None and refused[1].code in PARKED:
        state.park(job, refused[1])
        return
    shape = job_class.key.shape
    tasks = state.rooms.place(shape) if refused is None else None
    if tasks is None:
        if (hopeless := _hopeless(session, job, job_class)) is not None:
            state.park(job, hopeless)
            return
        reason, level = _no_room(job_class), None
        if refused is not None:
            level, reason = refused
        state.waiting.close(job_class, reason, level)
        if level is None:
            session.promises.note_blocked(job_class)
        return
    clear = clearance_of(session, job, tasks) if state.shard.reservations else None
    if isinstance(clear, Conflict):
        state.waiting.hold(job_class, clear.reason())
        return
    if clear is not None:
        tasks = clear.tasks
    if (clear is None or not is_kept_for(session, spec)) and is_held_back(session, job, tasks):
        state.waiting.hold(job_class, _no_room(job_class))
        return
    start(
        session, job, scope, job_class.whole, tasks if clear is None else cut(session, spec, clear)
    )


def _hopeless(session: Session, job: Job, job_class: JobClass) -> PendingReason | None:
    """Return what no waiting helps: a cluster that is not there, or is too small for the job."""
    rooms, spec = session.state.rooms, job.spec
    if not rooms.has_cluster(spec.executor):
        return PendingReason(ReasonCode.NO_CLUSTER, {"executor": spec.executor})
    if not rooms.could_hold(job_class.key.shape):
        largest = {f"largest_{k}": v for k, v in sorted(rooms.largest(spec.executor).items())}
        return PendingReason(
            ReasonCode.UNFITTABLE,
            {"tasks": spec.least_tasks, **largest, **_unmet(session, job_class.key.shape)},
        )
    return None


def _unmet(session: Session, shape: Shape) -> Unmet:
    """Return what no node has; it is the shape's, until nodes change and it is judged anew."""
    if shape.unmet is None:
        nodes = (room.node for room in session.state.rooms.rooms_of(shape.kind.name))
        shape.unmet = unmet(shape.example, nodes, session.settings.headroom_milli)
    return shape.unmet


def _no_room(job_class: JobClass) -> PendingReason:
    spec = job_class.spec
    detail: dict[str, str | int] = {"tasks": spec.least_tasks}
    amounts = spec.resources if not spec.groups else job_class.whole
    return PendingReason(ReasonCode.CAPACITY, detail | dict(sorted(amounts.items())))
