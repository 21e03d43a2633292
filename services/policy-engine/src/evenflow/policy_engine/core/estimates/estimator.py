"""What an estimate of run times is asked, and what it is told."""

from typing import NamedTuple, Protocol

from evenflow.common.domain.clock import SECOND, Instant

Dumped = dict[str, list[list[str | int | None]]]
"""An estimator's memory as plain lists, for a checkpoint; the order of each list counts."""


class Features(NamedTuple):
    """What is known of a job before it runs. `limit_us` None: nobody will stop it."""

    user: str
    command: str
    width: int
    limit_us: int | None


class EstimatorKind(Protocol):
    """What makes estimators: a class will do. `name` is what settings call it."""

    @property
    def name(self) -> str:
        """What settings and options call it."""

    def __call__(self) -> "Estimator":
        """Return one that knows nothing."""


class Estimator(Protocol):
    """Tells how long jobs will run, from jobs that have ended alone. It begins knowing nothing.

    All answers are whole microseconds from the start of a run, at least 1 and at most the limit;
    None means that no end is known, which plans take for endless (SCH-11). The same calls give the
    same answers, in every process.
    """

    @property
    def name(self) -> str:
        """What settings and options call it."""

    def plan(self, job: Features) -> int | None:
        """Return how long a start now is planned to hold its slots."""

    def expect(self, job: Features) -> int | None:
        """Return how long it will run on average: what orders compare, never what plans rest on."""

    def missed(self, job: Features, ran_us: int) -> int | None:
        """Return the new plan, longer than `ran_us`, of a job that runs at its planned end.

        A job that has reached its limit is not asked about; None when no limit is known.
        """

    def learn(self, job: Features, run_us: int, ended_at: Instant) -> None:
        """Remember a run that ended by itself or at its limit; called in the order of ends."""

    def dump(self) -> Dumped:
        """Return all that it remembers."""

    def load(self, dumped: Dumped) -> None:
        """Remember what another has dumped, and nothing else."""


def within(limit_us: int | None, planned_us: int) -> int:
    """Return a plan that is possible: at least a microsecond, at most the limit."""
    return max(1, planned_us if limit_us is None else min(planned_us, limit_us))


def whole_seconds(duration_us: int) -> int:
    """Return a duration without its part of a second, which no log and no limit tells."""
    return duration_us // SECOND * SECOND
