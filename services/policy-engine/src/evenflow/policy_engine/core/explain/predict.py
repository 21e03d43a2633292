"""When a waiting job may start at the earliest, told from when running jobs are expected to end.

Running jobs end one after the other, and those before the job in its queue start as soon as their
amounts are free in sum; then it is the job's turn. Where a limit or quota holds the job back, what
is under that counts as well. No more than `MOST_ENDS` ends and jobs before it are looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import requests_of, whole_request
from evenflow.policy_engine.core.explain.explanation import Prediction, StartBasis
from evenflow.policy_engine.core.explain.order import Order
from evenflow.policy_engine.core.explain.predicted_gate import Gate, gate_of
from evenflow.policy_engine.core.explain.predicted_head import promised_start
from evenflow.policy_engine.core.explain.shortage import task_request
from evenflow.policy_engine.core.state.engine_state import EngineState

MOST_ENDS: Final = 10_000
_SURENESS: Final = (
    StartBasis.NOW,
    StartBasis.ESTIMATES,
    StartBasis.LIMITS,
    StartBasis.DEFAULT,
)
"""Falling: a prediction is as sure as the least sure of what it rests on."""
_UNKNOWN: Final[Mapping[ReasonCode, str]] = {
    ReasonCode.UNFITTABLE: "it can never start as things are",
    ReasonCode.NO_CLUSTER: "its cluster is not there",
    ReasonCode.QUEUE_DISABLED: "its queue is disabled",
    ReasonCode.QUOTA_BUDGET: "its budget is used up",
    ReasonCode.PROVIDER_UNAVAILABLE: "the quota provider cannot be reached",
}


def predict(
    state: EngineState, job: Job, reason: PendingReason | None, order: Order, now: Instant
) -> Prediction:
    """Return when a pending job may start, and what that rests on."""
    told = _told(state, job, reason, now)
    if told is not None:
        return told
    if order.ahead > MOST_ENDS:
        return Prediction(unknown=f"more than {MOST_ENDS} jobs of its queue go first")
    if order.place == 1 and reason is not None and reason.code is ReasonCode.CAPACITY:
        promised = promised_start(state, job, now)
        if promised is not None:
            return promised
    gate = None if reason is None else gate_of(state, reason)
    future = _Future(state, job.spec.executor, gate, now)
    before = (each for each in order.holding() if each.spec.executor == job.spec.executor)
    # What a cycle has just found no room for does not start before something ends.
    is_refused = reason is not None and reason.code is ReasonCode.CAPACITY
    if all(map(future.start, before)) and future.wait_for(job, is_refused=is_refused):
        return Prediction(future.now, _SURENESS[future.sureness])
    return Prediction(unknown=future.unknown)


def _told(
    state: EngineState, job: Job, reason: PendingReason | None, now: Instant
) -> Prediction | None:
    """Return what can be told without looking at what runs."""
    if job.spec.id in state.assumed.placements:
        return Prediction(now, StartBasis.NOW)
    if job.not_before > now:
        return Prediction(job.not_before, StartBasis.BACKOFF)
    if reason is None:
        return None
    if reason.code is ReasonCode.RESERVED and isinstance(end := reason.detail.get("end"), int):
        return Prediction(max(now, end), StartBasis.RESERVATION)
    if reason.code is ReasonCode.QUOTA_BUDGET:
        until = reason.detail.get("until")
        if isinstance(until, int):
            return Prediction(until, StartBasis.BUDGET)
    unknown = _UNKNOWN.get(reason.code)
    return None if unknown is None else Prediction(unknown=unknown)


@dataclass(slots=True)
class _Future:
    """What is free on one kind of cluster, and under a gate, as time goes by."""

    state: EngineState
    kind: str
    gate: Gate | None
    now: Instant
    sureness: int = 0
    unknown: str = ""
    _free: dict[str, int] = field(default_factory=dict)
    _nodes: dict[str, dict[str, int]] = field(default_factory=dict)
    _ends: list[tuple[Instant, str, int, bool]] = field(default_factory=list)
    _looked: int = 0
    _default_us: int = 0

    def __post_init__(self) -> None:
        """Begin with what is free now, and with the ends of all that runs there."""
        self._default_us = self.state.shard.settings.expected_duration_us
        for room in self.state.rooms.rooms_of(self.kind):
            free = {name: room.free(name) for name in room.node.capacity}
            self._nodes[room.name] = free
            _add(self._free, free)
        for job_id in self.state.live:
            job = self.state.shard.jobs[job_id]
            if job.spec.executor == self.kind or (self.gate and self.gate.holds(job.spec)):
                at, sureness = self._end(job, job.started_at or job.placed_at or self.now)
                self._ends.append((at, job_id, sureness, True))
        heapify(self._ends)

    def start(self, job: Job) -> bool:
        """Let a job that goes first start once it has room in sum; whether it ever does."""
        wanted = whole_request(job.spec)
        while not self._has(job, wanted):
            if not self._let_end():
                return False
        for name, amount in wanted.items():
            self._free[name] = self._free.get(name, 0) - amount
        if self.gate is not None:
            self.gate.take(job.spec, wanted)
        at, sureness = self._end(job, self.now)
        heappush(self._ends, (at, job.spec.id, sureness, False))
        return True

    def wait_for(self, job: Job, *, is_refused: bool) -> bool:
        """Let time go by until the job has room in sum, and a node for each task by itself."""
        wanted, task = whole_request(job.spec), task_request(job)
        has_node = not is_refused and any(_fits(task, free) for free in self._nodes.values())
        while not (has_node and self._has(job, wanted)):
            freed = self._let_end()
            if freed is None:
                return False
            has_node = has_node or not freed or any(_fits(task, self._nodes[n]) for n in freed)
        return True

    def _has(self, job: Job, wanted: Mapping[str, int]) -> bool:
        if self.gate is not None and not self.gate.lets(job.spec, wanted):
            return False
        return _fits(wanted, self._free)

    def _let_end(self) -> dict[str, None] | None:
        """Let the next job end; return the nodes it leaves, None when nothing more is known."""
        self._looked += 1
        if not self._ends or self._looked > MOST_ENDS:
            self.unknown = (
                f"more than {MOST_ENDS} running jobs would have to end first"
                if self._ends
                else "what runs now would not leave enough"
            )
            return None
        at, job_id, sureness, is_running = heappop(self._ends)
        self.now = max(self.now, at)
        self.sureness = max(self.sureness, sureness)
        job = self.state.shard.jobs[job_id]
        if not is_running:
            wanted = whole_request(job.spec)
            _add(self._free, wanted)
            if self.gate is not None:
                self.gate.give(job.spec, wanted)
            return {}
        freed: dict[str, None] = {}
        placement = self.state.live.placement_of(job_id)
        requests = requests_of(job.spec, 0, len(placement))
        for task, request in zip(placement, requests, strict=True):
            if (free := self._nodes.get(task.node)) is not None:  # others take no work any more
                _add(free, request)
                _add(self._free, request)
                freed[task.node] = None
        if self.gate is not None:
            self.gate.give(job.spec, whole_request(job.spec, len(placement)))
        return freed

    def _end(self, job: Job, since: Instant) -> tuple[Instant, int]:
        """Return when a job is expected to end, and how sure that is; what is overdue ends now."""
        estimate, limit = job.spec.estimated_duration_us, job.spec.time_limit_us
        if estimate and since + estimate > self.now:
            return since + estimate, 1
        if limit:
            return max(self.now, since + limit), 2
        if estimate:
            return self.now, 1
        return max(self.now, since + self._default_us), 3


def _fits(wanted: Mapping[str, int], free: Mapping[str, int]) -> bool:
    return all(amount <= free.get(name, 0) for name, amount in wanted.items() if amount)


def _add(target: dict[str, int], amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        target[name] = target.get(name, 0) + amount
