"""The mean of a user's last two runs: simple, and hard to beat by much."""

from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.policy_engine.core.estimates.estimator import (
    Dumped,
    Features,
    whole_seconds,
    within,
)
from evenflow.policy_engine.core.estimates.run_samples import RunSample, RunSamples

_RUNS: Final = 2


class Mean2:
    """Plans the mean of the user's last two ended runs, in whole seconds; before that, the limit.

    Source: Tsafrir, Etsion, Feitelson, "Backfilling using system-generated predictions rather than
    user runtime estimates", IEEE TPDS 18(6), 2007.
    """

    name = "mean2"

    def __init__(self) -> None:
        """Begin with no user known."""
        self._runs = RunSamples(_RUNS)

    def plan(self, job: Features) -> int | None:
        """Return the mean, at most the limit; the limit for a user with fewer than two runs."""
        runs = self._runs.of((job.user,))
        if len(runs) < _RUNS:
            return job.limit_us
        mean = whole_seconds((runs[0].run_us + runs[1].run_us) // _RUNS)
        return within(job.limit_us, max(SECOND, mean))

    def expect(self, job: Features) -> int | None:
        """Return what is planned."""
        return self.plan(job)

    def missed(self, job: Features, ran_us: int) -> int | None:
        """Return the limit: after one miss nothing is guessed any more."""
        return None if job.limit_us is None or job.limit_us <= ran_us else job.limit_us

    def learn(self, job: Features, run_us: int, ended_at: Instant) -> None:  # noqa: ARG002
        """Remember the run as the user's newest."""
        self._runs.add((job.user,), RunSample(run_us, job.limit_us or 0))

    def dump(self) -> Dumped:
        """Return the last runs by user."""
        return {"users": self._runs.dump()}

    def load(self, dumped: Dumped) -> None:
        """Take the place of all that was remembered."""
        self._runs.load(dumped.get("users", []))
