"""Room kept in advance: so many tasks of one shape, for the jobs of one queue, in a window of time.

Before its start nothing may be placed that would still be in the way then; from its start to its
end only jobs of its queue, or of queues below that, may use what it keeps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.constraint_rules import broken_constraints
from evenflow.common.domain.jobs.constraints import ANYWHERE, NODE_LEVEL, Constraints
from evenflow.common.domain.jobs.rules import MAX_AMOUNT, MAX_TASKS
from evenflow.common.domain.jobs.spec import JobSpec

MAX_RESERVATIONS: Final = 1_000  # of a shard that have not ended
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is kept, for whom, and when. `resources` are per task, in the units of `resources`."""

    id: str  # UUIDv7
    name: str
    queue: str  # path; its jobs and those of queues below it may use what is kept
    start_at: Instant
    end_at: Instant
    tasks: int = 1
    resources: Mapping[str, int] = field(default_factory=dict)
    executor: str = "local"  # kind of cluster
    constraints: Constraints = ANYWHERE
    created_by: str = ""
    created_at: Instant = 0

    def is_for(self, queue: str) -> bool:
        """Whether jobs of a queue may use what is kept."""
        return queue == self.queue or queue.startswith(f"{self.queue}/")

    def overlaps(self, begin: Instant, end: Instant) -> bool:
        """Whether any instant from `begin` to before `end` lies in its window."""
        return self.start_at < end and begin < self.end_at


def asked_by(reservation: Reservation) -> JobSpec:
    """Return a job that asks for exactly what is kept, to look for room with."""
    return JobSpec(
        id=reservation.id,
        name=reservation.name,
        project=reservation.queue.partition("/")[0],
        queue=reservation.queue,
        user=reservation.created_by,
        submitted_at=reservation.created_at,
        executor=reservation.executor,
        resources=reservation.resources,
        tasks=reservation.tasks,
        constraints=reservation.constraints,
    )


def broken_rules(reservation: Reservation) -> Iterator[InvalidValue]:
    """Yield every rule that the reservation breaks by itself."""
    if not 1 <= len(reservation.name) <= _LONGEST_NAME or "\0" in reservation.name:
        rule = f"must have 1 to {_LONGEST_NAME} characters and no zero byte"
        yield InvalidValue("name", reservation.name[:40], rule)
    if reservation.start_at < reservation.created_at:
        yield InvalidValue("start", reservation.start_at, "must not lie in the past")
    if reservation.end_at <= reservation.start_at:
        yield InvalidValue("end", reservation.end_at, "must lie after its start")
    if not 1 <= reservation.tasks <= MAX_TASKS:
        yield InvalidValue("tasks", reservation.tasks, f"must be between 1 and {MAX_TASKS}")
    for name, amount in reservation.resources.items():
        if not 0 <= amount <= MAX_AMOUNT:
            yield InvalidValue(f"resources.{name}", amount, f"must be between 0 and {MAX_AMOUNT}")
    if not any(reservation.resources.values()):
        yield InvalidValue("resources", dict(reservation.resources), "must ask for something")
    yield from broken_constraints(reservation.constraints)
    yield from _broken_wishes(reservation.constraints)


def _broken_wishes(constraints: Constraints) -> Iterator[InvalidValue]:
    """Yield constraints that only a job can have: nothing is placed yet that could obey them."""
    anti = constraints.anti_affinity
    for where, value in (
        ("anti_affinity.key", None if anti is None else anti.key),
        ("preferred_level", constraints.preferred_level),
        ("strategy", constraints.strategy),
        ("clusters", constraints.clusters or None),
    ):
        if value is not None:
            rule = "is for jobs: a reservation counts room, and places nothing"
            yield InvalidValue(f"constraints.{where}", value, rule)
    if anti is not None and anti.level != NODE_LEVEL:
        rule = f"must be {NODE_LEVEL}: a reservation tells only nodes apart"
        yield InvalidValue("constraints.anti_affinity.level", anti.level, rule)
