"""The figures of a replay. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import fsum
from statistics import median
from typing import Any, Final

from evenflow.cli.replay_trace.tracking import JobTracker, TrackedJob
from evenflow.common.domain.clock import SECOND

SHORT_RUN_SECONDS: Final = 10
"""Runs shorter than this count as this long in the slowdown, as the literature does."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay measured; all seconds but `wall_seconds` are on the log's time."""

    trace: str
    system: str
    cluster: str
    speed: int
    jobs: int
    tasks: int
    ended: int
    wall_seconds: float
    jobs_per_second: float
    makespan_seconds: float
    wait_mean_seconds: float
    wait_median_seconds: float
    wait_max_seconds: float
    slowdown_mean: float
    latest_submission_seconds: float
    busy_ratio: float
    ends: Mapping[str, int]
    skipped: Mapping[str, int]
    cut_at_request: int
    broken: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether every job reached its end exactly once."""
        return not self.broken

    def document(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {**asdict(self), "is_good": self.is_good, "broken": list(self.broken)}


def make_report(
    tracker: JobTracker,
    *,
    trace: str,
    system: str,
    cluster: str,
    speed: int,
    machine: int,
    wall_seconds: float,
    latest_submission_seconds: float,
    skipped: Counter[str],
) -> Report:
    """Return the figures of the jobs tracked; `machine` is the number of processors."""
    jobs = list(tracker.jobs.values())
    ran = [job for job in jobs if job.started_at is not None and job.submitted_at is not None]
    waits = [_wait(job) for job in ran]
    starts = [job.submitted_at for job in jobs if job.submitted_at is not None]
    ends = [job.finished_at for job in jobs if job.finished_at is not None]
    makespan = (max(ends) - min(starts)) / SECOND if starts and ends else 0.0
    work = fsum(_ran(job) * job.trace.processors for job in ran)
    return Report(
        trace=trace,
        system=system,
        cluster=cluster,
        speed=speed,
        jobs=len(jobs),
        tasks=sum(job.trace.processors for job in jobs),
        ended=tracker.ended,
        wall_seconds=wall_seconds,
        jobs_per_second=tracker.ended / wall_seconds if wall_seconds else 0.0,
        makespan_seconds=makespan,
        wait_mean_seconds=fsum(waits) / len(waits) if waits else 0.0,
        wait_median_seconds=median(waits) if waits else 0.0,
        wait_max_seconds=max(waits, default=0.0),
        slowdown_mean=fsum(map(_slowdown, ran)) / len(ran) if ran else 0.0,
        latest_submission_seconds=latest_submission_seconds,
        busy_ratio=work / (machine * makespan) if machine and makespan else 0.0,
        ends=dict(sorted(Counter(job.state for job in jobs).items())),
        skipped=dict(sorted(skipped.items())),
        cut_at_request=sum(job.trace.was_cut for job in jobs),
        broken=tuple(tracker.broken()),
    )


def _wait(job: TrackedJob) -> float:
    return ((job.started_at or 0) - (job.submitted_at or 0)) / SECOND


def _ran(job: TrackedJob) -> float:
    return ((job.finished_at or job.started_at or 0) - (job.started_at or 0)) / SECOND


def _slowdown(job: TrackedJob) -> float:
    ran = _ran(job)
    return max(1.0, (_wait(job) + ran) / max(ran, SHORT_RUN_SECONDS))
