"""What a recorded log tells: what people and clusters did, and what became of every job.

What the scheduler and the binders said is left out of `told`: that is what another course has anew.
"""

from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import EvictionReason
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import clock, cycle, jobs, leader, runs, usage
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.resources import Resources, total
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.state.usage_documents import UsageDocuments
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.simulator.core_run.outcome import Attempt, JobOutcome, RunOutcome
from evenflow.simulator.replay.recording.recorded_log import RecordedLog
from evenflow.simulator.replay.replay_log import CannotReplay

_SNAPSHOTS: Final = 16  # remembered until a cycle was decided by one
# What services said of their own: decisions, runs, usage, time.
_OURS: Final = (clock.Set, cycle.Decided, leader.Decided, runs.Reported, usage.SnapshotTaken)


@dataclass(slots=True)
class History:
    """The past as it went. Instants are of the shard's clock and never go back."""

    begin: Instant = 0
    end: Instant = 0
    outcome: RunOutcome = field(default_factory=RunOutcome)
    submitted: list[tuple[Instant, JobSpec]] = field(default_factory=list)
    cancelled: list[tuple[Instant, str, str]] = field(default_factory=list)  # when, job, user
    told: list[tuple[Instant, Fact]] = field(default_factory=list)  # all else that was not ours
    carried: dict[str, bool] = field(default_factory=dict)  # jobs of the base, and whether they ran
    lost: int = 0  # attempts stopped because their node was gone
    capacity: list[tuple[Instant, dict[str, int]]] = field(default_factory=list)
    # As defined last; queues that were removed are remembered.
    queues: dict[str, Queue] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    settings: SchedulerSettings = field(default_factory=SchedulerSettings)
    polls: list[Instant] = field(default_factory=list)
    half_life_us: int | None = None  # None: no cycle ever had usage

    @property
    def busy_span(self) -> tuple[Instant, Instant]:
        """From when the first job was there to when the last one ended, or to the end."""
        jobs = self.outcome.jobs.values()
        begin = min((job.submitted_at for job in jobs), default=self.begin)
        ends = [job.ended_at for job in jobs]
        end = max((at for at in ends if at is not None), default=self.end)
        return begin, self.end if None in ends else max(begin, end)


def history_of(past: RecordedLog) -> History:
    """Fold a recorded log and note what became of it.

    Raises:
        UnreadableMessage, CannotReplay: the past is damaged.
    """
    state = past.state()
    documents = UsageDocuments(most=_SNAPSHOTS)
    documents.note_all({**past.snapshots(), **state.usage_facts})
    recorder = _Recorder(state, documents)
    if past.entries:
        recorder.begin(past.entries[0].occurred_at)
    for entry in past.entries:
        try:
            outcome = apply(state, entry)
        except BrokenInvariant as error:
            raise CannotReplay(f"sequence {entry.sequence} cannot be folded: {error}") from error
        recorder.note(entry, outcome if isinstance(outcome, Folded) else None)
    return recorder.finish()


class _Recorder:
    def __init__(self, state: ShardState, documents: UsageDocuments) -> None:
        self._state = state
        self._documents = documents
        self._evicted: set[tuple[str, int]] = set()
        self.found = History()

    def note(self, entry: Entry, folded: Folded | None) -> None:
        found, fact = self.found, entry.fact
        found.end = max(found.end, entry.occurred_at)
        at = found.end
        if isinstance(fact, jobs.Submitted):
            found.submitted += [(at, spec) for spec in fact.jobs]
        elif isinstance(fact, jobs.CancelRequested):
            found.cancelled += [(at, each.job_id, each.user) for each in fact.requests]
        elif isinstance(fact, usage.SnapshotTaken):
            found.polls.append(fact.generated_at)
            if found.half_life_us is None:
                self._documents.note(entry.sequence, fact)
        elif not isinstance(fact, _OURS):
            found.told.append((at, fact))
        if folded is None:
            return
        if isinstance(fact, cycle.Decided):
            self._note_evictions(fact)
            self._note_half_life(fact.usage_sequence)
        self._note_jobs(at, folded)
        if folded.nodes:
            self._note_capacity(at)
        if folded.queues:
            found.queues.update(self._state.queues)
            found.quotas.update(self._state.quotas)

    def finish(self) -> History:
        for job in self._state.jobs.values():
            self._note_attempt(job)
        self.found.settings = self._state.settings
        return self.found

    def begin(self, at: Instant) -> None:
        self.found.begin = self.found.end = at
        self._note_capacity(at)
        self.found.queues.update(self._state.queues)
        self.found.quotas.update(self._state.quotas)
        for job in sorted(self._state.jobs.values(), key=lambda job: job.accepted_sequence):
            self.found.carried[job.spec.id] = job.is_live
            self.found.outcome.jobs[job.spec.id] = JobOutcome(job.spec, at)

    def _note_evictions(self, fact: cycle.Decided) -> None:
        for eviction in fact.evictions:
            self._evicted.add((eviction.job_id, eviction.attempt))
            self.found.outcome.evictions += 1
            self.found.lost += eviction.reason is EvictionReason.NODE_LOST

    def _note_jobs(self, at: Instant, folded: Folded) -> None:
        outcome = self.found.outcome
        for ended in folded.attempts_ended:
            known = outcome.jobs.get(ended.spec.id)
            if known is not None and ended.started_at is not None:
                known.attempts.append(
                    Attempt(ended.started_at, max(ended.ended_at, ended.started_at))
                )
        for job_id, job in folded.jobs.items():
            known = outcome.jobs.get(job_id)
            if known is None:
                known = outcome.jobs[job_id] = JobOutcome(job.spec, at)
            known.state = job.state
            if job.finished_at is not None:
                known.ended_at = job.finished_at
        for spec, reason in folded.refused:
            outcome.refused[spec.id] = reason

    def _note_attempt(self, job: Job) -> None:
        """Note an attempt that runs on at the end."""
        if job.is_live and job.started_at is not None:
            self.found.outcome.jobs[job.spec.id].attempts.append(Attempt(job.started_at))

    def _note_half_life(self, usage_sequence: int) -> None:
        """Look into the first snapshot that a cycle was decided by."""
        if usage_sequence in self._documents.facts and self.found.half_life_us is None:
            document = self._documents.document(usage_sequence)
            self.found.half_life_us = parse_snapshot(document).half_life_us
            self._documents = UsageDocuments()

    def _note_capacity(self, at: Instant) -> None:
        nodes = self._state.nodes.values()
        capacity = total(node.capacity for node in nodes if node.is_ready)
        if not self.found.capacity or self.found.capacity[-1][1] != capacity:
            self.found.capacity.append((at, capacity))


def scarce_resource(capacity: Resources) -> str:
    """Return what a report counts by: cards where there are any, else cores."""
    return "gpu" if capacity.get("gpu") else "cpu"
