"""What became of every job of a run, and of the cluster hour by hour."""

from dataclasses import dataclass, field

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.spec import JobSpec


@dataclass(slots=True)
class Attempt:
    """One attempt of a job, from its start to its end; None while it runs."""

    start: Instant
    end: Instant | None = None


@dataclass(slots=True)
class JobOutcome:
    """A job from its submission on. `state` is the last one that the log told."""

    spec: JobSpec
    submitted_at: Instant
    attempts: list[Attempt] = field(default_factory=list)
    state: JobState = JobState.PENDING
    ended_at: Instant | None = None

    @property
    def first_start(self) -> Instant | None:
        """When it first ran; None when it never did."""
        return self.attempts[0].start if self.attempts else None

    @property
    def last_start(self) -> Instant | None:
        """When the attempt began that it ended with, or that runs."""
        return self.attempts[-1].start if self.attempts else None


@dataclass(slots=True)
class HourlySeries:
    """The cluster at whole hours of the run; one value an hour in every list.

    `utilisation` and all shares are ratios of the cluster's capacity of `resource`: cards where
    there are any, else cores. `fragmentation` is the part of what is free that lies on nodes which
    hold something. `queue_entitlement` is the fair share that the core divides. Users' shares are
    of decayed usage among users with jobs (see `shares`), beside what each is entitled to.
    """

    resource: str
    at: list[Instant] = field(default_factory=list)
    utilisation: list[float] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    fragmentation: list[float] = field(default_factory=list)
    queue_share: dict[str, list[float]] = field(default_factory=dict)
    queue_entitlement: dict[str, list[float]] = field(default_factory=dict)
    user_share: dict[str, list[float]] = field(default_factory=dict)
    user_entitlement: list[float] = field(default_factory=list)


@dataclass(slots=True)
class RunOutcome:
    """All of one run: jobs by id in the order of their submission."""

    jobs: dict[str, JobOutcome] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # submissions that do not stand, and why
    hourly: HourlySeries = field(default_factory=lambda: HourlySeries("gpu"))
    events: int = 0  # submissions, ends and other facts that were put in
    cycles: int = 0
    evictions: int = 0
    decided: str = ""  # SHA-256 over all decisions, when asked for
