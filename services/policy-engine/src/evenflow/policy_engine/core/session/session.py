"""What one cycle works with and has found out so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import (
    Eviction,
    Placement,
    ReasonChange,
    TaskPlacement,
)
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.plugins.quota_provider import QuotaProvider
from evenflow.common.domain.queues.queue import lineage
from evenflow.policy_engine.core.gates.gates import Gates
from evenflow.policy_engine.core.session.promises import Promises
from evenflow.policy_engine.core.state.engine_state import EngineState

LONGEST: Final = 4_000  # hundreds of bytes, roughly: a message holds a megabyte


@dataclass(slots=True)
class Session:
    """What one cycle has found out so far."""

    state: EngineState
    settings: SchedulerSettings
    now: Instant
    quotas: QuotaProvider
    gates: Gates
    promises: Promises
    evictions: list[Eviction] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    growths: list[Placement] = field(default_factory=list)
    reasons: list[ReasonChange] = field(default_factory=list)
    claims: list[Placement] = field(default_factory=list)
    length: int = 0  # roughly, in hundreds of bytes on the wire
    closed_nodes: int = 0  # nodes closed for a moment, to look for room beside reservations

    @property
    def has_victims(self) -> bool:
        """Whether somebody is stopped for another job in this cycle already."""
        return any(eviction.beneficiary for eviction in self.evictions)

    @property
    def is_long(self) -> bool:
        """Whether the decision is long enough for one message; the next cycle goes on from it."""
        most = self.settings.max_placements
        return self.length >= LONGEST or len(self.placements) + len(self.growths) >= most

    @property
    def fills_gaps(self) -> bool:
        """Whether backfill looks at what waits behind a blocked head."""
        return self.settings.strict_order and self.settings.backfill != "off"


def start(
    session: Session,
    job: Job,
    scope: str,
    whole: Mapping[str, int],
    tasks: tuple[TaskPlacement, ...],
) -> None:
    """Start a job whose gates are open, on tasks whose room is taken.

    `scope` is the deepest level whose limits hold for it, and `whole` what it asks for to start.

    Raises:
        BrokenInvariant: its quota is refused all the same.
    """
    state, spec = session.state, job.spec
    if spec.groups and len(tasks) > spec.least_tasks:
        tasks, whole = _within_gates(session, job, tasks)
    if scope and not session.quotas.allocate_quota(spec.queue, whole, spec.job_type, spec.id):
        raise BrokenInvariant(f"quota of job {spec.id} was granted, then refused")
    session.placements.append(Placement(spec.id, job.attempt, tasks))
    session.length += 1 + len(tasks)
    if scope:
        state.tightened.update(dict.fromkeys(lineage(scope)))
    state.assume_placement(job, tasks, whole, session.now)


def _within_gates(
    session: Session, job: Job, tasks: tuple[TaskPlacement, ...]
) -> tuple[tuple[TaskPlacement, ...], dict[str, int]]:
    """Cut an elastic gang to what limits and quotas let start."""
    spec = job.spec
    kept = len(tasks)
    while kept > spec.least_tasks and session.gates.judge(
        spec.queue, whole_request(spec, kept), spec.job_type
    ):
        kept -= 1
    if kept < len(tasks):
        session.state.rooms.release(spec, tasks[kept:], kept)
    return tasks[:kept], whole_request(spec, kept)
