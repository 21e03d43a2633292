"""The estimate that never errs below: the limit at which a job is stopped."""

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core.estimates.estimator import Dumped, Features


class Limit:
    """Plans every job up to its limit, and remembers nothing."""

    name = "limit"

    def plan(self, job: Features) -> int | None:
        """Return the limit."""
        return job.limit_us

    def expect(self, job: Features) -> int | None:
        """Return the limit: nothing better is known."""
        return job.limit_us

    def missed(self, job: Features, ran_us: int) -> int | None:
        """Return None: what passes its limit has no known end."""
        return None if job.limit_us is None or job.limit_us <= ran_us else job.limit_us

    def learn(self, job: Features, run_us: int, ended_at: Instant) -> None:
        """Learn nothing."""

    def dump(self) -> Dumped:
        """Return nothing."""
        return {}

    def load(self, dumped: Dumped) -> None:
        """Load nothing."""
