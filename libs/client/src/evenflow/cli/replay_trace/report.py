"""The figures of a replay. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import fsum
from statistics import median
from typing import Any, Final

from evenflow.cli.replay_trace.tracking import Book, Life
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
    book: Book,
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
    """Return the figures of what the book holds; `machine` is the number of processors."""
    lives = list(book.lives.values())
    ran = [life for life in lives if life.started_at is not None and life.submitted_at is not None]
    waits = [_wait(life) for life in ran]
    starts = [life.submitted_at for life in lives if life.submitted_at is not None]
    ends = [life.finished_at for life in lives if life.finished_at is not None]
    makespan = (max(ends) - min(starts)) / SECOND if starts and ends else 0.0
    work = fsum(_ran(life) * life.trace.processors for life in ran)
    return Report(
        trace=trace,
        system=system,
        cluster=cluster,
        speed=speed,
        jobs=len(lives),
        tasks=sum(life.trace.processors for life in lives),
        ended=book.ended,
        wall_seconds=wall_seconds,
        jobs_per_second=book.ended / wall_seconds if wall_seconds else 0.0,
        makespan_seconds=makespan,
        wait_mean_seconds=fsum(waits) / len(waits) if waits else 0.0,
        wait_median_seconds=median(waits) if waits else 0.0,
        wait_max_seconds=max(waits, default=0.0),
        slowdown_mean=fsum(map(_slowdown, ran)) / len(ran) if ran else 0.0,
        latest_submission_seconds=latest_submission_seconds,
        busy_ratio=work / (machine * makespan) if machine and makespan else 0.0,
        ends=dict(sorted(Counter(life.state for life in lives).items())),
        skipped=dict(sorted(skipped.items())),
        cut_at_request=sum(life.trace.was_cut for life in lives),
        broken=tuple(book.broken()),
    )


def _wait(life: Life) -> float:
    return ((life.started_at or 0) - (life.submitted_at or 0)) / SECOND


def _ran(life: Life) -> float:
    return ((life.finished_at or life.started_at or 0) - (life.started_at or 0)) / SECOND


def _slowdown(life: Life) -> float:
    ran = _ran(life)
    return max(1.0, (_wait(life) + ran) / max(ran, SHORT_RUN_SECONDS))
