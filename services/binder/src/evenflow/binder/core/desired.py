"""The desired state of a job on its cluster: the tasks it has there, and how they are to end."""

from collections.abc import Iterator
from dataclasses import dataclass

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import Job, JobState, TaskPhase
from evenflow.common.domain.jobs.placed_tasks import placed_tasks_of
from evenflow.common.domain.jobs.run import Outcome, token_of
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.shard_state import ShardState


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a job's current attempt that has not ended, complete enough to start it."""

    token: str
    spec: JobSpec
    attempt: int
    index: int
    count: int  # tasks of the job that have a place now; an elastic gang may get more
    place: TaskPlacement
    phase: TaskPhase  # as the log says
    placed_at: Instant
    started_at: Instant | None  # None while the log does not know it running


@dataclass(frozen=True, slots=True)
class Start:
    """Make the run exist."""

    task: Task

    @property
    def token(self) -> str:
        """The run's name."""
        return self.task.token


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run, with this outcome if it does not end by itself before."""

    token: str
    outcome: Outcome


Command = Start | Stop


def tasks_on(state: ShardState, job: Job, cluster: str) -> Iterator[Task]:
    """Yield the job's tasks on the cluster that have not ended; none when it holds nothing."""
    if not job.is_live:
        return
    count = len(job.placement)
    for placed in placed_tasks_of(job):
        for index in range(placed.first, placed.end):
            place, phase = job.placement[index], job.phases[index]
            if phase is TaskPhase.ENDED or _cluster_of(state, job, place) != cluster:
                continue
            # A task of a gang may run before the job does, whose start is that of the last task;
            # and one by which it grew began after the job did.
            started_at = max(job.started_at or 0, placed.since) if placed.first else job.started_at
            yield Task(
                token_of(job.spec.id, index, job.attempt),
                job.spec,
                job.attempt,
                index,
                count,
                place,
                phase,
                placed.since,
                (started_at or placed.since) if phase is TaskPhase.RUNNING else None,
            )


def stop_outcome(job: Job) -> Outcome | None:
    """Say how the job's remaining tasks are to end; None while they are to go on.

    Why the whole attempt ends decides, not who asked last: a cancel that comes after an eviction
    finds the tasks already stopping, and the fold turns their end into the cancellation.
    """
    if not job.must_stop:
        return None
    is_cancelled = job.cancel_requested and (
        job.ending is None or job.ending.target is JobState.CANCELLED
    )
    return Outcome.CANCELLED if is_cancelled else Outcome.STOPPED


def _cluster_of(state: ShardState, job: Job, place: TaskPlacement) -> str:
    node = state.nodes.get(place.node)
    # A node may leave before its tasks are ended: then the job's executor says whose they are.
    return job.spec.executor if node is None else node.cluster
