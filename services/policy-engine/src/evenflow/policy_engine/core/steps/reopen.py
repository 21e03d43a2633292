"""Which classes of waiting jobs have turns again in a cycle, and which gates closed before them."""

from evenflow.common.domain.decisions.decisions import PendingReason
from evenflow.common.domain.state.budget import spent_of
from evenflow.policy_engine.core.gates.gates import PARKED
from evenflow.policy_engine.core.session.session import Session
from evenflow.policy_engine.core.waiting.job_class import JobClass


def reopen(session: Session) -> None:
    """Give turns again to what room came free for, or what a gate lets through by now."""
    state = session.state
    classes = state.waiting.classes
    for shape in state.rooms.woken():
        for job_class in classes.of_shape(shape):
            if job_class.refused_at is None:
                state.waiting.open(job_class)
    for job_class in list(classes.held):
        state.waiting.open(job_class)
    _watch_budgets(session)
    loosened, state.loosened = state.loosened, {}
    for level in loosened:
        for (_, job_type), alike in list(classes.below(level).items()):
            refused = [each for each in alike if each.refused_at == level]
            if refused:
                found = session.gates.judge(level, refused[0].whole, job_type)
                for job_class in refused:
                    if found is None or not _is_refused_by(job_class, *found):
                        state.waiting.open(job_class)
    # A decision may have been cut before this. Whom a gate refuses is promised no room.
    close_tightened(session)


def close_tightened(session: Session) -> None:
    """Let those that wait for room, or at a deeper gate, wait at a gate above that closed since."""
    waiting = session.state.waiting
    tightened, session.state.tightened = session.state.tightened, {}
    for level in tightened:
        for (_, job_type), alike in list(waiting.classes.below(level).items()):
            later = [
                each
                for each in alike
                if not each.is_open
                and (each.refused_at is None or f"{each.refused_at}/".startswith(f"{level}/"))
            ]
            if later and (refused := session.gates.judge(level, later[0].whole, job_type)):
                for job_class in later:
                    if refused[1].code not in PARKED:
                        waiting.close(job_class, refused[1], refused[0])


def _is_refused_by(job_class: JobClass, level: str, reason: PendingReason) -> bool:
    return job_class.refused_at == level and job_class.reason == reason


def _watch_budgets(session: Session) -> None:
    """Look again at budgets: they fill up with time, and periods turn."""
    shard = session.state.shard
    if not shard.budgets:
        return
    for path, quota in shard.quotas.items():
        if quota.gpu_hours is not None:
            spent = spent_of(shard, quota, session.now)
            changed = session.state.tightened if spent is not None and spent.is_used_up else None
            (session.state.loosened if changed is None else changed)[path] = None
