"""What was submitted: a job as its owner asked for it. It never changes by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.constraints import ANYWHERE, Constraints


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
    # The account of the machine that its runs are; None: that of the service which starts them.
    account: str | None = None

    @property
    def least_tasks(self) -> int:
        """Tasks that start together or not at all."""
        return sum(group.least for group in self.groups) if self.groups else self.tasks

    @property
    def is_elastic(self) -> bool:
        """Whether it may start with fewer tasks than it would like."""
        return self.least_tasks < self.tasks
