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
from evenflow.policy_engine.core.preemption.beneficiaries import in_turn
from evenflow.policy_engine.core.preemption.consolidation import Movers
from evenflow.policy_engine.core.preemption.priority import Yielders, words
from evenflow.policy_engine.core.preemption.reclaim import Givers
from evenflow.policy_engine.core.preemption.search import victims
from evenflow.policy_engine.core.preemption.trial import MovingTrial, Trial

if TYPE_CHECKING:
    from evenflow.policy_engine.core.session.session import Pass

MOST_STOPPING: Final = 256
"""While more than that stop, nobody else does: so much room is coming that it is not counted."""


def reclaim(work: "Pass") -> None:
    """Stop jobs of queues above their fair share, for one of a queue that stays below its own."""
    if not work.settings.reclaim or not _may_stop(work):
        return
    state, settings = work.state, work.settings
    is_bent = state.usage is not None and settings.k > 0
    starved = state.contest.starved

    def is_starved(leaf: str) -> bool:
        return starved.is_starved(leaf, is_bent=is_bent)

    for candidate in in_turn(work, starved.leaves(), is_starved):
        for level in starved.levels(candidate.leaf, is_bent=is_bent):
            with Trial(work, candidate) as trial:
                if level not in starved.levels(candidate.leaf, is_bent=is_bent):
                    continue  # what is claimed already brings the queue to its share
                givers = Givers(state, trial, level, work.now - settings.minimum_run_us)
                found = victims(trial, givers.choose, settings.most_victims)
                detail = (
                    f"for job {candidate.job.spec.id} of {level}, which is below its fair share"
                )
                told = [detail] * len(found or ())
                if found and _stop(work, trial, found, EvictionReason.RECLAIMED, told):
                    return
            if found is not None:
                break  # room is coming


def preempt(work: "Pass") -> None:
    """Stop jobs of lower priority for one that waits, where its policy says so."""
    if not work.settings.preempt or not _may_stop(work):
        return
    state, settings = work.state, work.settings
    failed: list[tuple[str, PolicyFailed]] = []
    for candidate in in_turn(work, state.contest.urgent.leaves()):
        with Trial(work, candidate) as trial:
            yielders = Yielders(state, trial, work.now - settings.minimum_run_us)
            try:
                found = victims(trial, yielders.choose, settings.most_victims)
            except PolicyFailed as error:
                failed.append((candidate.leaf, error))
                continue
            scope = settings.preemption_scope
            told = [words(victim, candidate.job, scope) for victim in found or ()]
            if found and _stop(work, trial, found, EvictionReason.PREEMPTED, told):
                break
    for leaf, failure in failed:
        state.waiting.fall_back(leaf, failure)


def consolidate(work: "Pass") -> None:
    """Stop jobs that go on elsewhere at once, for one that lacks room in one place only."""
    if not work.settings.consolidate or not _may_stop(work):
        return
    state, settings = work.state, work.settings
    leaves = dict.fromkeys(leaf for each in state.waiting.classes.no_room for leaf in each.leaves)
    for candidate in in_turn(work, leaves):
        with MovingTrial(work, candidate) as trial:
            movers = Movers(state, trial, work.now - settings.minimum_run_us)
            found = victims(trial, movers.choose, settings.most_victims, is_mutual=True)
            detail = f"to go on elsewhere, so that job {candidate.job.spec.id} fits"
            told = [detail] * len(found or ())
            if found and _stop(work, trial, found, EvictionReason.CONSOLIDATED, told):
                for job in found:
                    tasks = trial.moves[job.spec.id]
                    work.claims.append(Placement(job.spec.id, job.attempt + 1, tasks))
                    work.length += 1 + len(tasks)
                return


def _may_stop(work: "Pass") -> bool:
    """Whether anybody may be stopped in this cycle; then what changed has been followed."""
    contest = work.state.contest
    if work.is_long or work.has_victims or work.settings.most_victims < 1:
        return False
    allowed = _allowance(work)
    if (allowed is not None and allowed <= 0) or not contest.running:
        return False
    if len(contest.running.stopping) > MOST_STOPPING:
        return False
    contest.follow()
    return True


def _allowance(work: "Pass") -> int | None:
    """Return how much GPU time may be lost now, in thousandths of GPU-seconds; None: any."""
    settings = work.settings
    limits: list[int] = []
    if settings.lost_gpu_per_cycle is not None:
        limits.append(settings.lost_gpu_per_cycle)
    if settings.lost_gpu_per_hour is not None:
        lost = lost_within_hour(work.state.shard.lost_time, work.now)
        limits.append(settings.lost_gpu_per_hour - lost)
    return min(limits, default=None)


def _stop(
    work: "Pass",
    trial: Trial,
    found: list[Job],
    reason: EvictionReason,
    told: Sequence[str],
) -> bool:
    """Decide on a job's victims, if no more time is lost than may be; whether it was decided."""
    allowed = _allowance(work)
    lost = sum([lost_by_stopping(job, work.now) for job in found])
    if allowed is not None and lost > allowed:
        return False
    job = trial.candidate.job
    job_id = job.spec.id
    for victim, detail in zip(found, told, strict=True):
        work.evictions.append(
            Eviction(victim.spec.id, victim.attempt, reason, detail, beneficiary=job_id)
        )
    work.claims.append(Placement(job_id, job.attempt, trial.tasks))
    waits_for = PendingReason(ReasonCode.STOPPING, {"victims": len(found)})
    work.reasons.append(ReasonChange(job_id, waits_for))
    work.length += 4 + 3 * len(found) + len(trial.tasks)
    return True
