"""What ran when and why, read from the facts: starts in order, shares while queues compete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.decisions.decisions import Placement
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold.fold import Folded, Void
from evenflow.common.domain.jobs.job import TERMINAL, Job, JobState
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.resources import dominant_share, plus, times, total
from evenflow.common.domain.state.shard_state import ShardState


@dataclass(frozen=True, slots=True)
class Start:
    """One placement: when, whose, and why it was this job's turn."""

    number: int
    at: Instant
    spec: JobSpec
    attempt: int
    why: str


@dataclass(slots=True)
class DemoRecorder:
    """Notes every fact before and after it is folded; `queues` are those that compete."""

    queues: Sequence[str]
    starts: list[Start] = field(default_factory=list)
    ended: dict[str, Job] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    first_at: Instant | None = None
    last_at: Instant = 0
    # Share-seconds of each queue while all of them had jobs waiting.
    contended: dict[str, float] = field(default_factory=dict)
    contended_us: int = 0

    def before(self, state: ShardState, entry: Entry) -> None:
        """Note what holds until a fact: who held how much, and what it decides."""
        if self.first_at is not None and self.last_at:
            self._integrate(state, max(0, entry.occurred_at - self.last_at))
        self.last_at = max(self.last_at, entry.occurred_at)
        if isinstance(entry.fact, cycle.Decided) and entry.fact.epoch == state.epoch:
            self._decided(state, entry.fact.placements, entry.occurred_at)

    def after(self, folded: Folded | Void) -> None:
        """Note what a fact moved."""
        if isinstance(folded, Void):
            return
        for job in folded.jobs.values():
            if self.first_at is None:
                self.first_at = job.spec.submitted_at
            if job.state in TERMINAL:
                self.ended[job.spec.name] = job
        self.refused += [f"{spec.name}: {reason}" for spec, reason in folded.refused]

    def shares(self) -> dict[str, float]:
        """Return each queue's part of what was held while all of them competed; sums to 1."""
        whole = sum(self.contended.get(queue, 0.0) for queue in self.queues)
        return {q: self.contended.get(q, 0.0) / whole if whole else 0.0 for q in self.queues}

    def seconds_after_first(self, at: Instant | None) -> float:
        """Return how long after the first submission an instant was."""
        return 0.0 if at is None or self.first_at is None else (at - self.first_at) / SECOND

    def _integrate(self, state: ShardState, duration_us: int) -> None:
        if not all(state.count(queue).pending for queue in self.queues):
            return
        capacity = capacity_of(state)
        self.contended_us += duration_us
        for queue in self.queues:
            share = dominant_share(state.ledger.held(queue).resources, capacity)
            self.contended[queue] = self.contended.get(queue, 0.0) + share * duration_us / SECOND

    def _decided(self, state: ShardState, placements: Sequence[Placement], at: Instant) -> None:
        capacity = capacity_of(state)
        held = {queue: dict(state.ledger.held(queue).resources) for queue in self.queues}
        waiting = {queue: _waiting(state, queue) for queue in self.queues}
        for placement in placements:
            job = state.jobs.get(placement.job_id)
            if job is None or job.spec.queue not in held:
                continue
            queue = job.spec.queue
            shares = {q: dominant_share(held[q], capacity) for q in self.queues}
            why = _place(job, waiting[queue]) + _turn(state, queue, shares, waiting)
            number = len(self.starts) + 1
            self.starts.append(Start(number, at, job.spec, placement.attempt, why))
            held[queue] = plus(held[queue], times(job.spec.resources, job.spec.tasks))
            waiting[queue].pop(job.spec.id, None)


def capacity_of(state: ShardState) -> dict[str, int]:
    """Return what all usable nodes have together."""
    return total(node.capacity for node in state.usable_nodes())


def _waiting(state: ShardState, queue: str) -> dict[str, Job]:
    return {
        job.spec.id: job
        for job in state.jobs.values()
        if job.spec.queue == queue and job.state is JobState.PENDING
    }


def _turn(
    state: ShardState,
    queue: str,
    shares: Mapping[str, float],
    waiting: Mapping[str, Mapping[str, Job]],
) -> str:
    """Say why it was this queue's turn: the share it held over its weight, and whose was next."""
    rivals = [other for other, jobs in waiting.items() if jobs and other != queue]
    held = {q: f"{100 * shares[q]:.0f}%/{state.queues[q].weight:g}" for q in shares}
    if not rivals:
        return f"{held[queue]}, nobody else waits"
    ratio = {q: shares[q] / (state.queues[q].weight or 1e-9) for q in shares}
    closest = min(rivals, key=ratio.__getitem__)
    if ratio[queue] < ratio[closest]:
        return f"{held[queue]} < {closest} {held[closest]}"
    if ratio[queue] == ratio[closest]:
        return f"{held[queue]} = {closest}, older"
    return f"{held[queue]}, the first that fits"


def _place(job: Job, waiting: Mapping[str, Job]) -> str:
    """Say why it was this job of its queue; nothing when it simply was the first in line."""
    older = sum(other.position < job.position for other in waiting.values())
    if job.attempt > 1:
        return f"attempt {job.attempt}; "
    if not older:
        return ""
    if job.spec.priority:
        return f"priority {job.spec.priority}; "
    return f"{older} older cannot yet; "
