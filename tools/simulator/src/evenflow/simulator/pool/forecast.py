"""What a pool knows of run times: an estimate of the core, or hindsight for comparison."""

from typing import Protocol

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core.availability import FOREVER
from evenflow.policy_engine.core.estimates import BUILT_IN, Estimator, Features, SafeEstimator
from evenflow.simulator.trace import TraceJob


class Forecast(Protocol):
    """Run times of jobs by their number; `FOREVER` where nothing is known."""

    def user(self, job: int) -> str:
        """Return whose job it is."""

    def plan(self, job: int) -> int:
        """Return how long a job is planned to run."""

    def expect(self, job: int) -> int:
        """Return what orders take for its run time."""

    def missed(self, job: int, ran_us: int) -> int:
        """Return the new plan of a job that runs at its planned end."""

    def learn(self, job: int, run_us: int, now: Instant) -> None:
        """Take note of an end."""


class Estimated:
    """Asks an estimator that has seen the ends so far, and nothing else."""

    def __init__(self, jobs: list[TraceJob], estimator: Estimator) -> None:
        """`jobs` by number."""
        self._features = [Features(job.user, job.command, job.width, job.limit_us) for job in jobs]
        self._estimator = estimator

    def user(self, job: int) -> str:
        """Return whose job it is."""
        return self._features[job].user

    def plan(self, job: int) -> int:
        """Return the estimator's plan."""
        return self._estimator.plan(self._features[job]) or FOREVER

    def expect(self, job: int) -> int:
        """Return what the estimator expects."""
        return self._estimator.expect(self._features[job]) or FOREVER

    def missed(self, job: int, ran_us: int) -> int:
        """Return the estimator's second plan."""
        return self._estimator.missed(self._features[job], ran_us) or FOREVER

    def learn(self, job: int, run_us: int, now: Instant) -> None:
        """Tell the estimator."""
        self._estimator.learn(self._features[job], run_us, now)


class Perfect:
    """Knows what no scheduler can: the run time of each job. The bound that others aim at."""

    def __init__(self, jobs: list[TraceJob]) -> None:
        """`jobs` by number."""
        self._run_us = [job.run_us for job in jobs]

    def user(self, job: int) -> str:  # noqa: ARG002
        """Return nobody: what is known does not change with anybody's ends."""
        return ""

    def plan(self, job: int) -> int:
        """Return the run time."""
        return self._run_us[job]

    expect = plan

    def missed(self, job: int, ran_us: int) -> int:  # noqa: ARG002 - it never errs
        """Return the run time."""
        return self._run_us[job]

    def learn(self, job: int, run_us: int, now: Instant) -> None:
        """Learn nothing."""


def forecast_of(jobs: list[TraceJob], estimate: str) -> Forecast:
    """Return a fresh forecast by the name of its estimate."""
    if estimate == "perfect":
        return Perfect(jobs)
    return Estimated(jobs, SafeEstimator(BUILT_IN[estimate]()))
