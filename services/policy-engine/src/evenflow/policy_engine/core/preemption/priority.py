"""Who gives way by priority (SCH-08), as the policy of the queue says in which a job waits."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.policy_engine.core.contention.preemptible_jobs import CLUSTER
from evenflow.policy_engine.core.contention.preempting_leaves import ANY_PRIORITY
from evenflow.policy_engine.core.ordering.plugin_policies import checked_victim
from evenflow.policy_engine.core.ordering.policies import PRIORITY
from evenflow.policy_engine.core.preemption.trial import Trial

if TYPE_CHECKING:
    from evenflow.policy_engine.core.state.engine_state import EngineState


class PriorityVictims:
    """The jobs of a scope that give way to one that waits there."""

    def __init__(self, state: "EngineState", trial: Trial, latest: Instant) -> None:
        """Victims have run since `latest` at least."""
        self._state: Final = state
        self._trial: Final = trial
        self._policy: Final = state.waiting.policy_in(trial.beneficiary.leaf)
        job, preemptible = trial.beneficiary.job, state.contention.preemptible
        is_ours = self._policy is PRIORITY
        threshold = state.shard.settings.preemption_threshold
        below = job.spec.priority - threshold if is_ours else ANY_PRIORITY
        scope = preemptible.scope_of(trial.beneficiary.leaf)
        self._ids: Iterator[str] = preemptible.by_priority(scope, below, latest)
        self._asked: list[Job] | None = None
        if not is_ours:
            jobs = state.shard.jobs
            self._asked = [jobs[job_id] for job_id in self._ids]

    def next_victim(self) -> Job | None:
        """Return the next victim.

        Raises:
            PolicyFailed: an installed policy raised, or named a job that it was not asked about.
        """
        if self._asked is None:
            jobs = (self._state.shard.jobs[job_id] for job_id in self._ids)
            return next((job for job in jobs if self._trial.may_stop(job)), None)
        left = [job for job in self._asked if self._trial.may_stop(job)]
        return checked_victim(self._policy, left, self._trial.beneficiary.job) if left else None


def eviction_detail(victim: Job, beneficiary: Job, scope: str) -> str:
    """Return why a victim had to give way."""
    where = "of the cluster" if scope == CLUSTER else f"of project {beneficiary.spec.project}"
    return (
        f"for job {beneficiary.spec.id} {where}, which has priority {beneficiary.spec.priority} "
        f"over {victim.spec.priority}"
    )
