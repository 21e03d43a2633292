"""One pass of the engine, least disruptive first: evict what lost its node, then place in order.

Pure: what it is given alone decides what it returns, and it leaves no trace but parked jobs, which
are a memory of what would fail anyway. Division over time, backfill, reclaim and preemption take
their places in ACTIONS.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions import (
    Eviction,
    EvictionReason,
    PendingReason,
    Placement,
    ReasonChange,
    ReasonCode,
)
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.job import Job
from evenflow.common.domain.policy import JobKey
from evenflow.common.domain.resources import times
from evenflow.common.domain.settings import SchedulerSettings
from evenflow.policy_engine.core.commitments import Commitments
from evenflow.policy_engine.core.gates import PARKED, closed_gate, hopeless
from evenflow.policy_engine.core.ordering import Turns
from evenflow.policy_engine.core.rooms import Trial
from evenflow.policy_engine.core.state import EngineState

CORE_VERSION: Final = "1"
"""Grows when the same input may be decided otherwise."""
LONGEST: Final = 4_000  # hundreds of bytes, roughly: a message holds a megabyte
LOOKED_AT: Final = 200  # blocked jobs of one queue, when the order is not strict


@dataclass(slots=True)
class Pass:
    """What one cycle has found out so far."""

    state: EngineState
    settings: SchedulerSettings
    now: Instant
    evictions: list[Eviction] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    reasons: list[ReasonChange] = field(default_factory=list)
    length: int = 0  # roughly, in hundreds of bytes on the wire

    @property
    def is_long(self) -> bool:
        """Whether the decision is long enough for one message; the next cycle goes on from it."""
        return self.length >= LONGEST or len(self.placements) >= self.settings.max_placements

    def explain(self, job: Job, reason: PendingReason) -> None:
        """Note why a job still waits, if that is news."""
        if job.reason != reason:
            self.reasons.append(ReasonChange(job.spec.id, reason))
            self.length += 3


def run_cycle(state: EngineState, settings: SchedulerSettings, now: Instant) -> cycle.Decided:
    """Decide what starts, stops and waits, at `now` (shard clock).

    Returns:
        The decision, empty when nothing is to be said; it saw all up to the state's sequence.
    """
    state.wake(now)
    work = Pass(state, settings, now)
    for action in ACTIONS:
        action(work)
    shard = state.shard
    return cycle.Decided(
        epoch=shard.epoch,
        saw_sequence=shard.sequence,
        now=now,
        core_version=CORE_VERSION,
        settings_sequence=shard.settings_sequence,
        placements=tuple(work.placements),
        evictions=tuple(work.evictions),
        reasons=tuple(work.reasons),
    )


def is_empty(decision: cycle.Decided) -> bool:
    """Whether the decision says nothing."""
    return not (decision.placements or decision.evictions or decision.reasons)


def evict(work: Pass) -> None:
    """Stop attempts with a task on a node that is gone or not ready. Cordoned nodes keep theirs."""
    shard = work.state.shard
    evicted: set[str] = set()
    for name in sorted(work.state.lost):
        for job_id in work.state.live_jobs_on(name):
            if work.is_long:
                return
            job = shard.jobs[job_id]
            if job.ending is None and job_id not in evicted:
                evicted.add(job_id)
                work.length += 2
                work.evictions.append(
                    Eviction(job_id, job.attempt, EvictionReason.NODE_LOST, f"node {name}")
                )


def place(work: Pass) -> None:
    """Give turns to queues until nothing more fits or the decision is long enough."""
    state = work.state
    commitments = Commitments(state.shard)
    quotas = state.plugins.quotas.provider(state.shard, commitments)
    turns = Turns(state.shard, commitments, state.rooms.capacity, state.waiting)
    heads = {leaf: _Head(state, leaf) for leaf in state.waiting}
    parked: list[Job] = []
    with state.rooms.trial() as trial:
        full: set[tuple[object, ...]] = set()  # shapes that found no room in this cycle
        while not work.is_long:
            leaf = turns.next_leaf()
            if leaf is None:
                break
            job = heads[leaf].next()
            if job is None:
                turns.done(leaf)
                continue
            spec = job.spec
            whole = times(spec.resources, spec.tasks)
            verdict = quotas.check_quota(spec.queue, whole, spec.job_type)
            reason = (
                hopeless(state.shard, state.rooms, verdict, spec, whole)
                or closed_gate(state.shard, commitments, verdict, spec, whole)
                or _take_room(work, trial, full, job)
            )
            if reason is None:
                if not quotas.allocate_quota(spec.queue, whole, spec.job_type, spec.id):
                    raise BrokenInvariant(f"quota of job {spec.id} was granted, then refused")
                # For queues and turns; a provider that records there has done it already.
                commitments.add(spec.id, spec.queue, whole, spec.job_type)
                turns.placed(leaf)
                continue
            work.explain(job, reason)
            if reason.code in PARKED:
                parked.append(job)
            elif reason.code is ReasonCode.QUOTA_TYPE:
                heads[leaf].leave_out(spec.job_type)  # others of its queue may go on (SCH-12)
            else:
                heads[leaf].blocked += 1
                if work.settings.strict_order or heads[leaf].blocked >= LOOKED_AT:
                    turns.done(leaf)
    for job in parked:
        state.park(job)


ACTIONS: Final[tuple[Callable[[Pass], None], ...]] = (evict, place)
"""What has lost its machine comes first, so that its places are not counted as held for long."""


class _Head:
    """Walks through one queue's waiting jobs in its order."""

    def __init__(self, state: EngineState, leaf: str) -> None:
        self._state = state
        self._next: list[tuple[JobKey, str, Iterator[JobKey]]] = []  # by key; keys are unique
        for job_type, keys in state.waiting[leaf].items():
            walk = iter(keys)
            self._next.append((next(walk), job_type, walk))
        heapify(self._next)
        self.blocked = 0  # jobs met that fit later, not now

    def next(self) -> Job | None:
        """Return the next job of the queue; None after the last."""
        if not self._next:
            return None
        key, job_type, walk = self._next[0]
        following = next(walk, None)
        if following is None:
            heappop(self._next)
        else:
            heapreplace(self._next, (following, job_type, walk))
        return self._state.shard.jobs[key[-1]]

    def leave_out(self, job_type: str) -> None:
        """Skip the jobs of a type for the rest of the cycle."""
        self._next = [each for each in self._next if each[1] != job_type]
        heapify(self._next)


def _take_room(
    work: Pass, trial: Trial, full: set[tuple[object, ...]], job: Job
) -> PendingReason | None:
    """Place all tasks of the job, or say what is missing."""
    spec = job.spec
    shape = (spec.executor, spec.tasks, *sorted(spec.resources.items()))
    if shape not in full:
        tasks = trial.place(spec.executor, spec.resources, spec.tasks)
        if tasks is not None:
            work.placements.append(Placement(spec.id, job.attempt, tasks))
            work.length += 1 + len(tasks)
            return None
        full.add(shape)
    detail: dict[str, str | int] = {"tasks": spec.tasks}
    return PendingReason(ReasonCode.CAPACITY, detail | dict(sorted(spec.resources.items())))
