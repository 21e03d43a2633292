"""A job's state in codes and numbers: who is ahead and why, what is short, when it may start.

Made when asked, from what the engine knows at that moment; nothing is changed or remembered. Which
reason a job waits for was decided by a cycle and is in the log; the rest is computed here.
"""

from itertools import islice
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.policy_engine.core.explain.explanation import Explanation, JobAhead
from evenflow.policy_engine.core.explain.order import Order, because, order_of
from evenflow.policy_engine.core.explain.predict import predict
from evenflow.policy_engine.core.explain.queues import levels
from evenflow.policy_engine.core.explain.shortage import short_of
from evenflow.policy_engine.core.state.engine_state import EngineState

SHOWN_AHEAD: Final = 5


def explain(state: EngineState, job_id: str, now: Instant) -> Explanation | None:
    """Explain a job that has not ended, as of `now` (shard clock); None when there is none."""
    job = state.shard.jobs.get(job_id)
    if job is None:
        return None
    is_pending = job.state is JobState.PENDING
    reason = _reason(state, job) if is_pending else None
    order = order_of(state, job) if is_pending else Order()
    return Explanation(
        job_id=job_id,
        as_of=state.shard.sequence,
        policy=state.policy_of(job.spec.queue).name,
        reason=reason,
        place=order.place,
        ahead=order.ahead,
        first=tuple(_ahead(state, each, job) for each in islice(order.jobs(), SHOWN_AHEAD)),
        levels=levels(state, job),
        short=None if reason is None else short_of(state, job, reason),
        prediction=predict(state, job, reason, order, now) if is_pending else None,
    )


def _reason(state: EngineState, job: Job) -> PendingReason | None:
    """Return what parked a job, or what the log last told of it."""
    parked = state.parked.get(job.spec.project, {}).get(job.spec.id)
    if parked is None and job.reason is None:
        return PendingReason(ReasonCode.ORDER)
    return parked or job.reason


def _ahead(state: EngineState, other: Job, job: Job) -> JobAhead:
    spec = other.spec
    why = because(state, other, job)
    return JobAhead(spec.id, spec.name, spec.user, spec.priority, other.position, why)
