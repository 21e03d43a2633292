"""What facts say of the jobs of one replay: submissions, starts, ends. Pure."""

from dataclasses import dataclass, field
from typing import Final

from evenflow.cli.replay_trace.swf import TraceJob
from evenflow.client.models.jobs import JobRequest
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.fold.fold import Folded
from evenflow.common.domain.jobs.job import TERMINAL, Job

REFUSED: Final = "refused"


def request_of(job: TraceJob, queue: str) -> JobRequest:
    """Return a job of a log as a submission: a gang of one task a processor, each of one GPU."""
    request: JobRequest = {
        "name": str(job.number),
        "queue_id": queue,
        "user_id": f"user{job.user}" if job.user is not None else "unknown",
        "executor": "simulated",
        "executor_config": {"run_seconds": job.run_seconds},
        "cpu_request": 0,
        "memory_request": 0,
        "gpu_request": 1,
        "tasks": job.processors,
    }
    if job.requested_seconds is not None:
        request["time_limit_seconds"] = job.requested_seconds
    return request


@dataclass(slots=True)
class TrackedJob:
    """One job of the log as its facts tell; instants are on the shard's clock."""

    trace: TraceJob
    ids: set[str] = field(default_factory=set)
    submitted_at: Instant | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    attempt: int = 1
    state: str = "unknown"
    ends: int = 0

    @property
    def due_at(self) -> Instant | None:
        """When it will end; None while it does not run."""
        if self.started_at is None or self.ends:
            return None
        return self.started_at + self.trace.run_seconds * SECOND


@dataclass(slots=True)
class JobTracker:
    """All jobs of a replay, by their number in the log; `queue` is theirs alone."""

    queue: str
    jobs: dict[str, TrackedJob]
    running: int = 0
    ended: int = 0
    submitted: int = 0
    refusals: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, jobs: list[TraceJob], queue: str) -> "JobTracker":
        """Return a tracker to which nothing happened yet."""
        return cls(queue, {str(job.number): TrackedJob(job) for job in jobs})

    @property
    def is_complete(self) -> bool:
        """Whether every job has ended."""
        return self.ended >= len(self.jobs)

    def note(self, entry: Entry, folded: Folded) -> bool:
        """Take in what a fact did; returns whether it concerned a job of ours."""
        touched = False
        for job in folded.jobs.values():
            if job.spec.queue == self.queue and (tracked := self.jobs.get(job.spec.name)):
                touched = True
                self._moved(tracked, job)
        for spec, reason in folded.refused:
            if spec.queue == self.queue and (tracked := self.jobs.get(spec.name)):
                touched = True
                tracked.ids.add(spec.id)
                self._ended(tracked, REFUSED, entry.occurred_at)
                self.refusals.append(f"job {spec.name}: {reason}")
        return touched

    def _moved(self, tracked: TrackedJob, job: Job) -> None:
        if tracked.submitted_at is None:
            self.submitted += 1
            tracked.submitted_at = job.spec.submitted_at
        tracked.ids.add(job.spec.id)
        was_running = tracked.started_at is not None and not tracked.ends
        tracked.attempt = job.attempt
        tracked.started_at = job.started_at
        tracked.state = job.state.value
        if job.state in TERMINAL:
            self._ended(tracked, job.state.value, job.finished_at)
        is_running = tracked.started_at is not None and not tracked.ends
        self.running += is_running - was_running

    def _ended(self, tracked: TrackedJob, state: str, at: Instant | None) -> None:
        tracked.state = state
        tracked.finished_at = at
        tracked.ends += 1
        if tracked.ends == 1:
            self.ended += 1

    def next_end_at(self) -> Instant | None:
        """Return when the next running job will end; None when none runs."""
        return min((due for tracked in self.jobs.values() if (due := tracked.due_at)), default=None)

    def broken(self) -> list[str]:
        """Return what contradicts `every job reached its end exactly once`, a line each."""
        found = []
        for number, tracked in self.jobs.items():
            if len(tracked.ids) != 1:
                found.append(f"job {number} was submitted {len(tracked.ids)} times")
            elif tracked.ends != 1:
                found.append(
                    f"job {number} ended {tracked.ends} times; its state is {tracked.state}"
                )
        return found
