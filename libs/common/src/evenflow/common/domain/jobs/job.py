"""The life of a job. All that moves its state is the table here; docs/jobs.md is drawn from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason, TaskPlacement
from evenflow.common.domain.errors import BrokenInvariant, InvalidValue
from evenflow.common.domain.nodes.labels import broken_constraints
from evenflow.common.domain.queues.quota import JOB_TYPES

MAX_TASKS: Final = 10_000
MAX_PRIORITY: Final = 100
MAX_RETRIES: Final = 1_000
MAX_AMOUNT: Final = 2**62


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
NODE_LEVEL: Final = "node"
"""The finest topology level; the others are labels of nodes."""


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """Tasks of one role in a gang, all with the same request.

    The gang starts when `min_tasks` of every group have room (None: all `tasks`), and grows to
    `tasks` later, when there is room.
    """

    name: str
    tasks: int
    resources: Mapping[str, int] = field(default_factory=dict)
    min_tasks: int | None = None

    @property
    def least(self) -> int:
        """Tasks without which the gang does not start."""
        return self.tasks if self.min_tasks is None else self.min_tasks


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint that the job bears: `key`, with `value` None for any value of it."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class AntiAffinity:
    """Tasks that share no domain of a level: the job's own, or those of all jobs with this key."""

    level: str = NODE_LEVEL  # NODE_LEVEL or a label of nodes, such as "rack"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Constraints:
    """Where the tasks of a job may go, and where they would rather go."""

    # Label of a node to the values that will do; no values: any, as long as it has the label.
    selector: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    anti_affinity: AntiAffinity | None = None
    # The whole gang in one domain of this level (a label, or NODE_LEVEL), or it does not start.
    required_level: str | None = None
    # In one domain of this level if any has room, else wherever it fits.
    preferred_level: str | None = None
    # How to choose among nodes that fit; None: as the settings say.
    strategy: str | None = None
    # Clusters to try first, in this order. A gang never spreads over clusters.
    clusters: tuple[str, ...] = ()


ANYWHERE: Final = Constraints()


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What was submitted. `resources` are per task, in the units of `resources`."""

    id: str  # UUIDv7
    name: str
    project: str
    queue: str  # path of a leaf
    user: str
    submitted_at: Instant
    executor: str = "local"
    executor_config: Mapping[str, object] = field(default_factory=dict)
    job_type: str = "training"
    resources: Mapping[str, int] = field(default_factory=dict)
    tasks: int = 1  # a gang when above 1: all start or none; with groups: the sum of theirs
    priority: int = 0  # 0..100, higher first under the priority policy
    preemptible: bool = True
    time_limit_us: int | None = None  # stops the job
    estimated_duration_us: int | None = None  # only plans
    retry_limit: int = 0  # further attempts after a failed one
    backoff_limit: int = 3  # further attempts after a lost or refused one (BND-04)
    description: str = ""
    tags: tuple[str, ...] = ()
    array_id: str | None = None
    array_index: int | None = None
    groups: tuple[TaskGroup, ...] = ()  # roles of a gang; their requests stand for `resources`
    constraints: Constraints = ANYWHERE
    deadline_at: Instant | None = None  # to be finished by then; orders and warns, stops nothing

    @property
    def least_tasks(self) -> int:
        """Tasks that start together or not at all."""
        return sum(group.least for group in self.groups) if self.groups else self.tasks

    @property
    def is_elastic(self) -> bool:
        """Whether it may start with fewer tasks than it would like."""
        return self.least_tasks < self.tasks


def group_of_task(spec: JobSpec, index: int) -> TaskGroup | None:
    """Return the group of a task; None when the job has no groups.

    Tasks are numbered so that those that must start come first: the least of every group, in the
    order of the groups, then what each may grow by, in the same order. So the tasks that a gang
    holds are always the first of its list.
    """
    for group in spec.groups:
        if index < group.least:
            return group
        index -= group.least
    for group in spec.groups:
        if index < group.tasks - group.least:
            return group
        index -= group.tasks - group.least
    return None


def request_of_task(spec: JobSpec, index: int) -> Mapping[str, int]:
    """Return what one task of the job asks for."""
    group = group_of_task(spec, index)
    return spec.resources if group is None else group.resources


def whole_request(spec: JobSpec, tasks: int | None = None) -> dict[str, int]:
    """Return what the job's first `tasks` tasks ask for together; None: those that must start."""
    count = spec.least_tasks if tasks is None else tasks
    if not spec.groups:
        return {name: amount * count for name, amount in spec.resources.items()}
    total: dict[str, int] = {}
    for index in range(count):
        for name, amount in request_of_task(spec, index).items():
            total[name] = total.get(name, 0) + amount
    return total


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


def broken_rules(spec: JobSpec) -> Iterator[InvalidValue]:
    """Yield every rule of JOB-03 that the submission breaks for good."""
    if not 1 <= len(spec.name) <= 255:  # noqa: PLR2004 - JOB-03
        yield InvalidValue("name", spec.name[:40], "must have 1 to 255 characters")
    if spec.job_type not in JOB_TYPES:
        yield InvalidValue("job_type", spec.job_type, f"must be one of {', '.join(JOB_TYPES)}")
    for field_name, value, low, high in (
        ("tasks", spec.tasks, 1, MAX_TASKS),
        ("priority", spec.priority, 0, MAX_PRIORITY),
        ("retry_limit", spec.retry_limit, 0, MAX_RETRIES),
        ("backoff_limit", spec.backoff_limit, 0, MAX_RETRIES),
    ):
        if not low <= value <= high:
            yield InvalidValue(field_name, value, f"must be between {low} and {high}")
    for name, amount in spec.resources.items():
        if not 0 <= amount <= MAX_AMOUNT:
            yield InvalidValue(f"resources.{name}", amount, f"must be between 0 and {MAX_AMOUNT}")
    yield from _broken_groups(spec)
    if spec.constraints != ANYWHERE:
        yield from broken_constraints(spec.constraints)
    yield from _broken_times(spec)


def _broken_times(spec: JobSpec) -> Iterator[InvalidValue]:
    for field_name, duration in (
        ("time_limit_seconds", spec.time_limit_us),
        ("estimated_duration_seconds", spec.estimated_duration_us),
    ):
        if duration is not None and duration <= 0:
            yield InvalidValue(field_name, duration / 1e6, "must be above 0")
    if spec.deadline_at is not None and spec.deadline_at <= spec.submitted_at:
        yield InvalidValue("deadline", spec.deadline_at, "must not have passed already")


def _broken_groups(spec: JobSpec) -> Iterator[InvalidValue]:
    names: set[str] = set()
    for group in spec.groups:
        if not group.name or group.name in names:
            yield InvalidValue("groups", group.name, "must be named, each by a name of its own")
        names.add(group.name)
        yield from _broken_group(group)
    if spec.groups:
        if spec.tasks != sum(group.tasks for group in spec.groups):
            yield InvalidValue("tasks", spec.tasks, "must be the sum of the tasks of its groups")
        if spec.least_tasks < 1:
            yield InvalidValue("groups", spec.least_tasks, "must have a task that starts at once")
        if spec.resources:
            yield InvalidValue("resources", dict(spec.resources), "belong to its groups")


def _broken_group(group: TaskGroup) -> Iterator[InvalidValue]:
    where = f"groups.{group.name}"
    if not 1 <= group.tasks <= MAX_TASKS:
        yield InvalidValue(f"{where}.tasks", group.tasks, f"must be between 1 and {MAX_TASKS}")
    if not 0 <= group.least <= group.tasks:
        yield InvalidValue(
            f"{where}.min_tasks", group.least, f"must be between 0 and its tasks, {group.tasks}"
        )
    for name, amount in group.resources.items():
        if not 0 <= amount <= MAX_AMOUNT:
            yield InvalidValue(
                f"{where}.resources.{name}", amount, f"must be between 0 and {MAX_AMOUNT}"
            )
