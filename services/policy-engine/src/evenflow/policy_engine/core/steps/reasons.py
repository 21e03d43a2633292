"""Tell jobs why they wait, where that is news."""

from collections.abc import Container

from evenflow.common.domain.decisions.decisions import PendingReason, ReasonChange
from evenflow.policy_engine.core.session.session import LONGEST, Session
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.steps.reopen import close_tightened


def tell_reasons(session: Session) -> None:
    """Tell jobs why they wait, where that is news.

    Those that wait for room or at a gate are told once all turns were taken: while a decision is
    cut, the next slice goes on placing, and what holds now may soon be over.
    """
    state = session.state
    is_cut = session.is_long
    news = _parked_news(state)
    if not is_cut:
        close_tightened(session)  # gangs may have grown since
        claims = {**state.shard.claims, **{each.job_id: None for each in session.claims}}
        news |= _class_news(state, claims)
    for job_id in sorted(news):
        if session.length >= LONGEST:
            return
        session.reasons.append(ReasonChange(job_id, news[job_id]))
        session.length += 3


def _class_news(state: EngineState, claiming: Container[str]) -> dict[str, PendingReason]:
    """Return what heads of closed classes have not been told; told ones are forgotten.

    Those in `claiming` wait for others to stop, and were told that.
    """
    jobs, untold_classes = state.shard.jobs, state.waiting.untold_classes
    news: dict[str, PendingReason] = {}
    for job_class in list(untold_classes):
        reason = job_class.reason
        if not job_class.is_open and reason is not None:
            untold = [i for i in state.waiting.jobs_to_tell(job_class) if jobs[i].reason != reason]
            news |= {job_id: reason for job_id in untold if job_id not in claiming}
            if untold:
                continue
            job_class.untold.clear()
        del untold_classes[job_class]
    return news


def _parked_news(state: EngineState) -> dict[str, PendingReason]:
    news: dict[str, PendingReason] = {}
    for job_id in list(state.untold_parked):
        job = state.shard.jobs[job_id]
        reason = state.parked[job.spec.project][job_id]
        if job.reason == reason:
            del state.untold_parked[job_id]
        else:
            news[job_id] = reason
    return news
