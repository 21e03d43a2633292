"""What other rules would have done to waits, to the machine and to shares: the numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from statistics import fmean, median
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.simulator.core_run.outcome import JobOutcome, RunOutcome
from evenflow.simulator.replay.what_if.history import History, scarce_resource

MOST_JOBS: Final = 8  # that are named on either side
Waits = Mapping[str, float]
"""Seconds from submission to the first start, by job."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One course of the past. Waits are seconds; `utilisation` is of the stretch with jobs."""

    label: str
    outcome: RunOutcome
    waits: Waits
    utilisation: float
    preemptions: int

    @property
    def mean(self) -> float:
        """Mean wait of the jobs that started."""
        return fmean(self.waits.values()) if self.waits else 0.0

    @property
    def median(self) -> float:
        """Median wait."""
        return median(self.waits.values()) if self.waits else 0.0

    @property
    def p95(self) -> float:
        """Wait that 95 % of the jobs did not exceed."""
        ranked = sorted(self.waits.values())
        return ranked[ceil(0.95 * len(ranked)) - 1] if ranked else 0.0

    @property
    def longest(self) -> float:
        """Longest wait."""
        return max(self.waits.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """Mean waits of a user or a queue: by the recorded rules and by the others, both modelled."""

    name: str
    jobs: int
    before: float
    after: float

    @property
    def change(self) -> float:
        """Seconds more on average; negative when less."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job's waits, as in `Row`."""

    job_id: str
    name: str
    user: str
    queue: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """Seconds more; negative when less."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class ModelError:
    """How far the model, run by the recorded rules, is from what happened; seconds."""

    jobs: int
    recorded_mean: float
    modelled_mean: float
    mean_distance: float  # of single jobs


@dataclass(slots=True)
class Comparison:
    """Three courses of one past: as recorded, and modelled by the recorded and by other rules.

    `begin` and `end` are of the stretch in which there were jobs.
    """

    begin: Instant
    end: Instant
    resource: str
    capacity: list[tuple[Instant, int]]  # of the resource, from each instant on
    recorded: Measured
    modelled: Measured
    other: Measured
    users: list[Row] = field(default_factory=list)
    queues: list[Row] = field(default_factory=list)
    gained: list[JobRow] = field(default_factory=list)  # most first
    lost: list[JobRow] = field(default_factory=list)
    better: int = 0  # jobs that wait less
    worse: int = 0
    model: ModelError = field(default_factory=lambda: ModelError(0, 0.0, 0.0, 0.0))
    only_modelled: int = 0  # jobs that start by the recorded rules alone
    only_other: int = 0

    @property
    def unit(self) -> str:
        """Return what people count the resource in."""
        return "GPUs" if self.resource == "gpu" else "cores"

    @property
    def courses(self) -> tuple[Measured, Measured, Measured]:
        """Return all three."""
        return self.recorded, self.modelled, self.other


def compare(history: History, modelled: RunOutcome, other: RunOutcome) -> Comparison:
    """Return who would have waited less and who more, and what else differs."""
    resource = scarce_resource(_most(history.capacity))
    capacity = [(at, amounts.get(resource, 0)) for at, amounts in history.capacity]
    span = history.busy_span

    def measure(label: str, outcome: RunOutcome) -> Measured:
        used = _used(outcome.jobs.values(), resource, *span)
        there = _integral(capacity, *span)
        waits = dict(_waits(outcome, history.carried))
        return Measured(label, outcome, waits, used / there if there else 0.0, outcome.evictions)

    found = Comparison(
        *span,
        resource,
        capacity,
        measure("as recorded", history.outcome),
        measure("recorded rules, modelled", modelled),
        measure("new rules", other),
    )
    before, after = found.modelled.waits, found.other.waits
    both = [job_id for job_id in before if job_id in after]
    found.only_modelled = len(before) - len(both)
    found.only_other = len(after) - len(both)
    jobs = other.jobs
    found.users = _rows(both, before, after, lambda job_id: jobs[job_id].spec.user)
    found.queues = _rows(both, before, after, lambda job_id: jobs[job_id].spec.queue)
    rows = [_job_row(jobs[job_id], before[job_id], after[job_id]) for job_id in both]
    found.better = sum(row.change < 0 for row in rows)
    found.worse = sum(row.change > 0 for row in rows)
    rows.sort(key=lambda row: (row.change, row.job_id))
    found.gained = [row for row in rows[:MOST_JOBS] if row.change < 0]
    found.lost = [row for row in rows[: -MOST_JOBS - 1 : -1] if row.change > 0]
    found.model = _model_error(found.recorded.waits, before)
    return found


def _waits(outcome: RunOutcome, carried: Mapping[str, bool]) -> Iterator[tuple[str, float]]:
    """Yield waits of jobs that started; those that were there at the beginning are left out."""
    for job_id, job in outcome.jobs.items():
        if job.first_start is not None and job_id not in carried:
            yield job_id, max(0, job.first_start - job.submitted_at) / SECOND


def _rows(jobs: Iterable[str], before: Waits, after: Waits, key: Callable[[str], str]) -> list[Row]:
    """Return a row for each user or queue; those whose waits change most in all come first."""
    groups: dict[str, list[str]] = {}
    for job_id in jobs:
        groups.setdefault(key(job_id), []).append(job_id)
    rows = [
        Row(name, len(ids), fmean(before[i] for i in ids), fmean(after[i] for i in ids))
        for name, ids in groups.items()
    ]
    return sorted(rows, key=lambda row: (-abs(row.change * row.jobs), row.name))


def _job_row(job: JobOutcome, before: float, after: float) -> JobRow:
    spec = job.spec
    return JobRow(spec.id, spec.name, spec.user, spec.queue, before, after)


def _model_error(recorded: Waits, modelled: Waits) -> ModelError:
    both = [job_id for job_id in recorded if job_id in modelled]
    if not both:
        return ModelError(0, 0.0, 0.0, 0.0)
    return ModelError(
        len(both),
        fmean(recorded[i] for i in both),
        fmean(modelled[i] for i in both),
        fmean(abs(recorded[i] - modelled[i]) for i in both),
    )


def _used(jobs: Iterable[JobOutcome], resource: str, begin: Instant, end: Instant) -> int:
    """Return amount times microseconds that jobs held in a span."""
    total = 0
    for job in jobs:
        amount = whole_request(job.spec).get(resource, 0)
        for attempt in job.attempts:
            until = end if attempt.end is None else min(attempt.end, end)
            total += amount * max(0, until - max(attempt.start, begin))
    return total


def _integral(steps: list[tuple[Instant, int]], begin: Instant, end: Instant) -> int:
    """Return the integral of a step function over a span; the last step lasts."""
    closed = [*steps, (max(end, steps[-1][0]) if steps else end, 0)]
    return sum(
        value * max(0, min(until, end) - max(at, begin))
        for (at, value), (until, _) in pairwise(closed)
    )


def _most(capacity: list[tuple[Instant, dict[str, int]]]) -> dict[str, int]:
    """Return the largest capacity of each resource that there ever was."""
    most: dict[str, int] = {}
    for _, amounts in capacity:
        for name, amount in amounts.items():
            most[name] = max(most.get(name, 0), amount)
    return most
