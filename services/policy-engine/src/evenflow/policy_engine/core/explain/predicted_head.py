"""When a blocked head starts: as backfill plans it, node by node."""

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.policy_engine.core.explain.explanation import Prediction, StartBasis
from evenflow.policy_engine.core.session.promises import Promises
from evenflow.policy_engine.core.state.engine_state import EngineState


def promised_start(state: EngineState, job: Job, now: Instant) -> Prediction | None:
    """Return when a job that finds no room is planned to have it; None when that never comes.

    It is what a cycle promises the job when it is the first that is blocked.
    """
    promise = Promises(state, now).of(state.rooms.shape_of(job.spec))
    if promise is None:
        return None
    return Prediction(promise.at, _basis(state, job.spec.executor, promise.at, now))


def _basis(state: EngineState, kind: str, until: Instant, now: Instant) -> StartBasis:
    """Return what the least sure of the ends up to `until` rests on."""
    bases = dict.fromkeys(_basis_of(state, job_id, kind, until, now) for job_id in state.live)
    for basis in (StartBasis.DEFAULT, StartBasis.LIMITS, StartBasis.ESTIMATES):
        if basis in bases:
            return basis
    return StartBasis.NOW


def _basis_of(
    state: EngineState, job_id: str, kind: str, until: Instant, now: Instant
) -> StartBasis | None:
    job = state.shard.jobs[job_id]
    spec = job.spec
    if spec.executor != kind or job.must_stop:
        return None
    since = job.started_at or job.placed_at or now
    end = state.planning.end(job, now)
    if end > until:
        return None
    limit = spec.time_limit_us
    is_estimated = spec.estimated_duration_us is not None or not state.planning.is_by_limit
    if is_estimated and end and (limit is None or end < since + limit):
        return StartBasis.ESTIMATES
    return StartBasis.DEFAULT if limit is None else StartBasis.LIMITS
