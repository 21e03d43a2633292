"""Run times as the settings want them planned: by limit, or by what a user's last runs were like.

With `estimates: limit` a job's own estimate or limit stands. Otherwise a job that names no estimate
is planned by its user's recent runs, within its limit; at the first miss the limit stands.
"""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.recent_runs import USERS_KEPT
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.estimates import (
    BUILT_IN,
    EstimatorKind,
    Features,
    Limit,
    SafeEstimator,
    make_safe,
)
from evenflow.policy_engine.core.estimates.run_times import (
    ENDLESS,
    OVERDUE,
    planned_end,
    planned_run_us,
)


class Planning:
    """How long jobs are planned to run, as of what has ended so far."""

    def __init__(
        self, shard: ShardState, estimators: Mapping[str, EstimatorKind] = BUILT_IN
    ) -> None:
        """Estimators are made from the recent runs of the shard when they are asked."""
        self._shard: Final = shard
        self._kinds: Final = estimators
        self._estimators: dict[str, SafeEstimator] = {}  # by user
        self.failed: Final[dict[str, str]] = {}  # what raised or told nonsense first, and how

    @property
    def is_by_limit(self) -> bool:
        """Whether plans rest on what jobs say of themselves alone, so that they never change."""
        return self._shard.settings.estimates == "limit"

    def run_us(self, spec: JobSpec) -> int:
        """Return how long a job is planned to run if it starts now; `ENDLESS` when nobody knows."""
        if self.is_by_limit or spec.estimated_duration_us is not None:
            return planned_run_us(spec)
        planned = self._plan(spec)
        return ENDLESS if planned is None else planned

    def end(self, job: Job, now: Instant) -> Instant:
        """Return when a live job is planned to end: the first plan that is not over yet."""
        spec, since = job.spec, job.started_at or job.placed_at or now
        default_us = self._shard.settings.expected_duration_us
        if self.is_by_limit or spec.estimated_duration_us is not None:
            return planned_end(spec, since, now, default_us)
        planned = self._plan(spec)
        if planned is None:
            planned = default_us
        if since + planned > now:
            return since + planned
        limit = spec.time_limit_us
        return since + limit if limit is not None and since + limit > now else OVERDUE

    def forget(self, user: str) -> None:
        """A run of the user has ended: what is planned for its jobs may be another."""
        self._estimators.pop(user, None)

    def _plan(self, spec: JobSpec) -> int | None:
        """Return the estimate; what an estimator raises or tells that is no time is the limit."""
        estimator = self._estimator(spec.user)
        planned = estimator.plan(_features(spec))
        if estimator.complaint:
            self.failed.setdefault(estimator.name, estimator.complaint)
        return planned

    def _estimator(self, user: str) -> SafeEstimator:
        found = self._estimators.get(user)
        if found is None:
            kind = self._kinds.get(self._shard.settings.estimates, Limit)
            found = make_safe(kind)
            for run in self._shard.recent_runs.get(user, ()):
                found.learn(Features(user, run.name, run.tasks, run.limit_us), run.run_us, 0)
            if len(self._estimators) >= USERS_KEPT:
                self._estimators.clear()
            self._estimators[user] = found
        return found


def _features(spec: JobSpec) -> Features:
    return Features(spec.user, spec.name, spec.tasks, spec.time_limit_us)
