"""What a batch of folded entries changes in the view, collected row by row. No I/O.

Several changes of one job in a batch become one row: its last state, in the parts that moved.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntFlag

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle, jobs, runs
from evenflow.common.domain.fold.folded import AttemptEnd, Folded, Void
from evenflow.common.domain.jobs.job import TERMINAL, Job, JobState
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.view.reservations import rows_of
from evenflow.gateway.view.rows import (
    Row,
    change_row,
    job_row,
    life_row,
    placement_json,
    placement_row,
    reason_row,
    refused_row,
)


class ColumnGroup(IntFlag):
    """Groups of columns that move together."""

    LIFE = 1
    REASON = 2
    PLACEMENT = 4
    OWNER = 8
    WHOLE = 16


@dataclass(slots=True)
class _Attempt:
    """What is known of a live attempt, for when it ends and another begins."""

    number: int
    placement_json: str | None
    placed_at: Instant | None
    outcome: Outcome | None = None


@dataclass(slots=True)
class Changes:
    """Collects; `take` hands out the rows and starts anew."""

    state: ShardState
    sequence: int = 0  # of the newest entry noted
    at: Instant = 0
    queues: set[str] = field(default_factory=set)
    reservations: dict[str, Row] = field(default_factory=dict)
    refused: list[Row] = field(default_factory=list)
    ended_attempts: list[Row] = field(default_factory=list)
    moved: int = 0  # job rows handed out since the start
    _jobs: dict[str, tuple[Job, ColumnGroup]] = field(default_factory=dict)
    _enqueued: dict[str, Instant] = field(default_factory=dict)
    _live: dict[str, _Attempt] = field(default_factory=dict)

    def start(self, state: ShardState) -> None:
        """Begin with a loaded state."""
        self.state = state
        self.sequence = state.sequence
        for job in state.jobs.values():
            if job.is_live:
                self._live[job.spec.id] = _attempt_of(job)

    def live(self) -> list[str]:
        """Return the ids of the jobs that hold resources."""
        return list(self._live)

    def whole(self, jobs_: Iterable[Job]) -> None:
        """Write these jobs anew, whatever the view holds of them."""
        for job in jobs_:
            self._jobs[job.spec.id] = (job, ColumnGroup.WHOLE)

    def note(self, entry: Entry, outcome: Folded | Void, *, is_known: bool) -> None:
        """Collect what an entry moved; `is_known`: the view has it, only follow the attempts."""
        self.sequence, self.at = entry.sequence, entry.occurred_at
        if isinstance(outcome, Void):
            return
        if isinstance(entry.fact, runs.Reported):
            self._note_outcomes(entry.fact)
        for end in outcome.attempts_ended:
            self._attempt_ended(end, outcome.jobs[end.spec.id], is_known=is_known)
        if isinstance(entry.fact, cycle.Decided):
            for job in outcome.jobs.values():
                if job.is_live:
                    self._live[job.spec.id] = _attempt_of(job)
        if is_known:
            return
        self.queues |= outcome.queues
        self.reservations |= rows_of(entry, outcome)
        for spec, message in outcome.refused:
            queue = self.state.queues.get(spec.queue)
            queue_id = queue.id if queue else None
            self.refused.append(refused_row(spec, queue_id, message, entry.occurred_at))
        self._note_jobs(entry, outcome)

    def _note_jobs(self, entry: Entry, outcome: Folded) -> None:
        noted = self._jobs
        match entry.fact:
            case jobs.Submitted():
                for job_id, job in outcome.jobs.items():
                    noted[job_id] = (job, ColumnGroup.WHOLE)
                    self._enqueued[job_id] = entry.occurred_at
                return
            case jobs.Changed():
                part = ColumnGroup.OWNER
            case jobs.CancelRequested():
                part = ColumnGroup.LIFE | ColumnGroup.REASON
            case runs.Reported():
                part = ColumnGroup.LIFE
            case _:
                part = ColumnGroup.LIFE | ColumnGroup.REASON | ColumnGroup.PLACEMENT
        is_cycle = isinstance(entry.fact, cycle.Decided)
        for job_id, job in outcome.jobs.items():
            mine = part
            if is_cycle and job.state is JobState.PENDING:
                mine = ColumnGroup.REASON
            elif part is ColumnGroup.LIFE and job.state is JobState.PENDING:
                mine = ColumnGroup.LIFE | ColumnGroup.REASON | ColumnGroup.PLACEMENT
            known = noted.get(job_id)
            noted[job_id] = (job, mine | known[1]) if known else (job, mine)

    def _note_outcomes(self, fact: runs.Reported) -> None:
        """Remember the first cause of an attempt's end: a job that waits again forgets it."""
        for report in fact.runs:
            if report.outcome is None or report.outcome is Outcome.SUCCEEDED:
                continue
            live = self._live.get(report.job_id)
            if live is not None and live.number == report.attempt and live.outcome is None:
                live.outcome = report.outcome

    def _attempt_ended(self, end: AttemptEnd, job: Job, *, is_known: bool) -> None:
        live = self._live.pop(end.spec.id, None)
        if live is None or is_known or job.state in TERMINAL:
            return
        self.ended_attempts.append(
            {
                "job_id": end.spec.id,
                "attempt": end.attempt,
                "placement_json": live.placement_json,
                "placed_at": live.placed_at,
                "started_at": end.started_at,
                "finished_at": end.ended_at,
                "outcome": (live.outcome or Outcome.STOPPED).value,
                "exit_code": job.exit_code,
                "message": job.message,
            }
        )

    def take(self) -> dict[ColumnGroup, list[Row]]:
        """Return the job rows by the parts that moved, and forget them."""
        groups: dict[ColumnGroup, list[Row]] = {}
        queues = self.state.queues
        for job_id, (job, part) in self._jobs.items():
            if part & ColumnGroup.WHOLE:
                queue = queues.get(job.spec.queue)
                at = self._enqueued.get(job_id, job.spec.submitted_at)
                row = job_row(job, queue.id if queue else None, at, self.at)
                groups.setdefault(ColumnGroup.WHOLE, []).append(row)
                continue
            row = {"key": job_id}
            if part & ColumnGroup.LIFE:
                row.update(life_row(job, self.at))
            if part & ColumnGroup.REASON:
                row.update(reason_row(job))
            if part & ColumnGroup.PLACEMENT:
                row.update(placement_row(job))
            if part & ColumnGroup.OWNER:
                row.update(change_row(job, self.at))
            groups.setdefault(part, []).append(row)
        self.moved += len(self._jobs)
        self._jobs = {}
        self._enqueued = {}
        return groups


def _attempt_of(job: Job) -> _Attempt:
    return _Attempt(job.attempt, placement_json(job), job.placed_at)
