"""The life of a job. All that moves its state is the table here; docs/jobs.md is drawn from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason, TaskPlacement
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.jobs.spec import JobSpec


class JobState(StrEnum):
    """Where a job is in its life."""

    __hash__ = str.__hash__  # that of enums is no quick one, and states are looked up all the time

    SUBMITTED = "submitted"  # in the log, not yet folded
    PENDING = "pending"  # waiting in its queue
    PLACED = "placed"  # a cycle gave it nodes
    STARTING = "starting"  # its cluster accepted it, not all tasks run yet
    RUNNING = "running"  # all its tasks run; what it grows by later may still be starting
    SUCCEEDED = "succeeded"  # every task ended with exit code 0
    FAILED = "failed"  # a task did not, and no attempt is left
    CANCELLED = "cancelled"  # its owner withdrew it
    TIMEOUT = "timeout"  # it was stopped at its time limit
    REJECTED = "rejected"  # it broke a rule for good


_S = JobState
JOB_TRANSITIONS: Final[Mapping[JobState, Mapping[JobState, str]]] = {
    _S.SUBMITTED: {
        _S.PENDING: "the fold accepted it into its queue",
        _S.REJECTED: "a rule was broken when it was folded, such as its queue being gone",
    },
    _S.PENDING: {
        _S.PLACED: "a cycle found room for all its tasks",
        _S.CANCELLED: "its owner withdrew it",
        _S.REJECTED: "a rule is broken for good",
    },
    _S.PLACED: {
        _S.STARTING: "its cluster accepted it",
        _S.RUNNING: "all its tasks run",
        _S.PENDING: "it was evicted, lost, or could not be started, and may try again",
        _S.FAILED: "it could not be started, and its tries are used up",
        _S.CANCELLED: "its owner cancelled it and no task is left",
    },
    _S.STARTING: {
        _S.RUNNING: "all its tasks run",
        _S.PENDING: "it was evicted, lost, or a task failed, and may try again",
        _S.FAILED: "a task failed, and its tries are used up",
        _S.CANCELLED: "its owner cancelled it and no task is left",
        _S.TIMEOUT: "a task reached the time limit before all of them ran",
    },
    _S.RUNNING: {
        _S.SUCCEEDED: "every task ended with exit code 0",
        _S.FAILED: "a task failed, and its tries are used up",
        _S.CANCELLED: "its owner cancelled it and no task is left",
        _S.TIMEOUT: "it reached its time limit",
        _S.PENDING: "it was evicted, lost, or failed, and may try again",
    },
    _S.SUCCEEDED: {},
    _S.FAILED: {},
    _S.CANCELLED: {},
    _S.TIMEOUT: {},
    _S.REJECTED: {},
}
TERMINAL: Final = frozenset(state for state, moves in JOB_TRANSITIONS.items() if not moves)
LIVE: Final = frozenset({JobState.PLACED, JobState.STARTING, JobState.RUNNING})
"""States in which a job holds resources."""


class TaskPhase(StrEnum):
    """Where one task of the current attempt is."""

    PLACED = "placed"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Ending:
    """What the job becomes once the last task of the attempt is gone. The first cause wins."""

    target: JobState  # a terminal state, or PENDING for another attempt
    exit_code: int | None = None
    message: str = ""
    delay_us: int = 0  # back-off before the next attempt
    beneficiary: str = ""  # id of the job in whose favour it is stopped


@dataclass(slots=True)
class Job:
    """A job as the fold knows it. Changed by `fold` alone."""

    spec: JobSpec
    position: int  # number of acceptance in its queue, from 1; kept over attempts (JOB-08)
    accepted_sequence: int
    state: JobState = JobState.PENDING
    attempt: int = 1
    reason: PendingReason | None = None
    not_before: Instant = 0
    placement: tuple[TaskPlacement, ...] = ()  # of the first tasks of its list
    # Each time that it grew: the first of the further tasks, and when they were placed.
    grown_at: tuple[tuple[int, Instant], ...] = ()
    phases: list[TaskPhase] = field(default_factory=list)
    ending: Ending | None = None
    cancel_requested: bool = False
    failures: int = 0  # attempts that failed, counted against retry_limit
    setbacks: int = 0  # attempts lost or refused, counted against backoff_limit
    placed_at: Instant | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    exit_code: int | None = None
    message: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it holds resources."""
        return self.state in LIVE

    @property
    def has_ended_tasks(self) -> bool:
        """Whether a task of the current attempt is over already."""
        return TaskPhase.ENDED in self.phases

    @property
    def must_stop(self) -> bool:
        """Whether its remaining tasks are to be stopped."""
        return self.ending is not None or self.cancel_requested

    def move(self, target: JobState) -> None:
        """Go to `target`.

        Raises:
            BrokenInvariant: the table has no such move.
        """
        if target not in JOB_TRANSITIONS[self.state]:
            raise BrokenInvariant(
                f"job {self.spec.id} cannot move from {self.state} to {target}",
                f"attempt {self.attempt}",
                f"ending {self.ending}",
            )
        self.state = target
