"""What one fold did: the moved state, what it touched, and what was void."""

from dataclasses import dataclass, field

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.domain.state.shard_state import ShardState


@dataclass(frozen=True, slots=True)
class Void:
    """A fact that changes nothing, and why. Alike in every service."""

    reason: str


@dataclass(frozen=True, slots=True)
class VoidRecord:
    """One record of a fact that changes nothing, and why."""

    key: str  # job or reservation id, queue path or node name
    reason: str


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """An attempt that is over, while the job itself may wait for another and have forgotten it."""

    spec: JobSpec
    attempt: int
    started_at: Instant | None  # None: not all of its tasks ever ran
    ended_at: Instant
    placed_tasks: tuple[PlacedTasks, ...] = ()  # its tasks, by when they were placed


@dataclass(slots=True)
class Folded:
    """The state after a fact, and where it differs from before."""

    state: ShardState
    jobs: dict[str, Job] = field(
        default_factory=dict
    )  # accepted, moved or changed; ended ones included
    refused: list[tuple[JobSpec, str]] = field(
        default_factory=list
    )  # submissions that do not stand
    attempts_ended: list[AttemptEnd] = field(default_factory=list)
    # Whose recent runs are no longer known, because others' were newer.
    users_forgotten: list[str] = field(default_factory=list)
    queues: set[str] = field(default_factory=set)  # paths defined, deleted, or with a new quota
    nodes: set[str] = field(default_factory=set)
    claims: dict[str, None] = field(default_factory=dict)  # jobs for which room is kept, or no more
    reservations: dict[str, Reservation] = field(default_factory=dict)  # defined or cancelled
    alerts: list[int] = field(default_factory=list)  # places of those in their fact that stand
    voids: list[VoidRecord] = field(default_factory=list)
    is_clock_touched: bool = False
    is_usage_touched: bool = False  # a snapshot was taken
    is_everything_touched: bool = (
        False  # settings changed: what was decided may be decided otherwise
    )

    def void(self, key: str, reason: str) -> None:
        """Note a record that changes nothing."""
        self.voids.append(VoidRecord(key, reason))
