"""The steps of a cycle that stop some jobs for others.

One job a cycle gets room by stopping others: the next cycle follows at once and knows what came of
it. Who stops already is as good as gone, so nobody is stopped twice for the same job.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    PendingReason,
    Placement,
    ReasonChange,
    ReasonCode,
)
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.lost_time import lost_by_stopping, lost_within_hour
from evenflow.policy_engine.core.ordering.plugin_policies import PolicyFailed
from evenflow.policy_engine.core.preemption.beneficiaries import beneficiaries_in_turn
from evenflow.policy_engine.core.preemption.consolidation import ConsolidationVictims
from evenflow.policy_engine.core.preemption.priority import PriorityVictims, eviction_detail
from evenflow.policy_engine.core.preemption.reclaim import ReclaimVictims
from evenflow.policy_engine.core.preemption.search import find_victims
from evenflow.policy_engine.core.preemption.trial import ConsolidationTrial, Trial

if TYPE_CHECKING:
    from evenflow.policy_engine.core.session.session import Session

MOST_STOPPING: Final = 256
"""While more than that stop, nobody else does: so much room is coming that it is not counted."""


def reclaim(session: "Session") -> None:
    """Stop jobs of queues above their fair share, for one of a queue that stays below its own."""
    if not session.settings.reclaim or not _may_stop(session):
        return
    state, settings = session.state, session.settings
    uses_history = state.usage is not None and settings.k > 0
    starved = state.contention.starved

    def is_starved(leaf: str) -> bool:
        return starved.is_starved(leaf, uses_history=uses_history)

    for beneficiary in beneficiaries_in_turn(session, starved.leaves(), is_starved):
        for level in starved.levels(beneficiary.leaf, uses_history=uses_history):
            with Trial(session, beneficiary) as trial:
                if level not in starved.levels(beneficiary.leaf, uses_history=uses_history):
                    continue  # what is claimed already brings the queue to its share
                reclaimable = ReclaimVictims(
                    state, trial, level, session.now - settings.minimum_run_us
                )
                found = find_victims(trial, reclaimable.next_victim, settings.most_victims)
                detail = (
                    f"for job {beneficiary.job.spec.id} of {level}, which is below its fair share"
                )
                details = [detail] * len(found or ())
                if found and _stop(session, trial, found, EvictionReason.RECLAIMED, details):
                    return
            if found is not None:
                break  # room is coming


def preempt(session: "Session") -> None:
    """Stop jobs of lower priority for one that waits, where its policy says so."""
    if not session.settings.preempt or not _may_stop(session):
        return
    state, settings = session.state, session.settings
    failed: list[tuple[str, PolicyFailed]] = []
    for beneficiary in beneficiaries_in_turn(session, state.contention.preempting.leaves()):
        with Trial(session, beneficiary) as trial:
            preemptible = PriorityVictims(state, trial, session.now - settings.minimum_run_us)
            try:
                found = find_victims(trial, preemptible.next_victim, settings.most_victims)
            except PolicyFailed as error:
                failed.append((beneficiary.leaf, error))
                continue
            scope = settings.preemption_scope
            details = [eviction_detail(victim, beneficiary.job, scope) for victim in found or ()]
            if found and _stop(session, trial, found, EvictionReason.PREEMPTED, details):
                break
    for leaf, failure in failed:
        state.waiting.fall_back(leaf, failure)


def consolidate(session: "Session") -> None:
    """Stop jobs that go on elsewhere at once, for one that lacks room in one place only."""
    if not session.settings.consolidate or not _may_stop(session):
        return
    state, settings = session.state, session.settings
    leaves = dict.fromkeys(leaf for each in state.waiting.classes.no_room for leaf in each.leaves)
    for beneficiary in beneficiaries_in_turn(session, leaves):
        with ConsolidationTrial(session, beneficiary) as trial:
            movable = ConsolidationVictims(state, trial, session.now - settings.minimum_run_us)
            found = find_victims(trial, movable.next_victim, settings.most_victims, is_mutual=True)
            detail = f"to go on elsewhere, so that job {beneficiary.job.spec.id} fits"
            details = [detail] * len(found or ())
            if found and _stop(session, trial, found, EvictionReason.CONSOLIDATED, details):
                for job in found:
                    tasks = trial.moves[job.spec.id]
                    session.claims.append(Placement(job.spec.id, job.attempt + 1, tasks))
                    session.length += 1 + len(tasks)
                return


def _may_stop(session: "Session") -> bool:
    """Whether anybody may be stopped in this cycle; then what changed has been followed."""
    contention = session.state.contention
    if session.is_long or session.has_victims or session.settings.most_victims < 1:
        return False
    allowed = _allowance(session)
    if (allowed is not None and allowed <= 0) or not contention.preemptible:
        return False
    if len(contention.preemptible.stopping) > MOST_STOPPING:
        return False
    contention.follow()
    return True


def _allowance(session: "Session") -> int | None:
    """Return how much GPU time may be lost now, in thousandths of GPU-seconds; None: any."""
    settings = session.settings
    limits: list[int] = []
    if settings.lost_gpu_per_cycle is not None:
        limits.append(settings.lost_gpu_per_cycle)
    if settings.lost_gpu_per_hour is not None:
        lost = lost_within_hour(session.state.shard.lost_time, session.now)
        limits.append(settings.lost_gpu_per_hour - lost)
    return min(limits, default=None)


def _stop(
    session: "Session",
    trial: Trial,
    found: list[Job],
    reason: EvictionReason,
    details: Sequence[str],
) -> bool:
    """Decide on a job's victims, if no more time is lost than may be; whether it was decided."""
    allowed = _allowance(session)
    lost = sum([lost_by_stopping(job, session.now) for job in found])
    if allowed is not None and lost > allowed:
        return False
    job = trial.beneficiary.job
    job_id = job.spec.id
    for victim, detail in zip(found, details, strict=True):
        session.evictions.append(
            Eviction(victim.spec.id, victim.attempt, reason, detail, beneficiary=job_id)
        )
    session.claims.append(Placement(job_id, job.attempt, trial.tasks))
    waits_for = PendingReason(ReasonCode.STOPPING, {"victims": len(found)})
    session.reasons.append(ReasonChange(job_id, waits_for))
    session.length += 4 + 3 * len(found) + len(trial.tasks)
    return True
