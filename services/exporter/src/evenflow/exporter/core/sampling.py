"""Who held how much for how long: resources times time, integrated exactly between events. Pure.

Let F(s, t) be the resource-seconds that the log up to sequence s tells of, up to instant t. A
sample is the difference of two F. So samples add up to the truth whatever happened between them: a
job of 0.4 s between two ticks counts 0.4 s; what was counted of a job that turns out to have ended
earlier is taken back by the next sample, as a negative amount; and after a crash the next sample is
computed from the last one's (s, t) and the log alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import usage
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks, placed_tasks_of
from evenflow.common.domain.jobs.requests import request_between
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.resources import Resources, total, units_per_base

_Key = tuple[str, int]
"""Job id and attempt: an attempt's end may be told in the same fact as its start."""


@dataclass(slots=True)
class _Part:
    """Tasks that hold their request since one instant; `sampled_us`: what earlier samples hold."""

    request: Mapping[str, int]
    started_at: Instant
    sampled_us: int = 0


@dataclass(slots=True)
class _HeldAttempt:
    """One attempt that runs, or ran: its first tasks, and those by which it grew."""

    spec: JobSpec
    started_at: Instant
    parts: list[_Part] = field(default_factory=list)
    ended_at: Instant | None = None

    def grow(self, placed_tasks: Sequence[PlacedTasks]) -> None:
        """Hold what the placed_tasks hold; those known already are not held twice."""
        for first, end, since in placed_tasks[len(self.parts) :]:
            # All that started it count from when all of them ran; later ones from their placement.
            started_at = max(self.started_at, since) if first else self.started_at
            self.parts.append(_Part(request_between(self.spec, first, end), started_at))

    def take(self, until: Instant, amounts: dict[str, int]) -> bool:
        """Add amounts times microseconds up to `until` in no sample yet; say whether any were.

        Negative amounts take some back.
        """
        is_any = False
        for part in self.parts:
            held = max(0, (until if self.ended_at is None else self.ended_at) - part.started_at)
            fresh_us, part.sampled_us = held - part.sampled_us, held
            if fresh_us:
                is_any = True
                for name, amount in part.request.items():
                    # Integers up to here: an amount is exact, and the same on every machine.
                    amounts[name] = amounts.get(name, 0) + amount * fresh_us
        return is_any


class Allocations:
    """Attempts from all their tasks running to the last one's end, as the log tells them.

    Tasks by which a gang grows count from their own placement.
    """

    def __init__(self) -> None:
        """Nothing runs."""
        self._open: dict[_Key, _HeldAttempt] = {}
        self._closed: list[_HeldAttempt] = []

    def seed(self, jobs: Iterable[Job]) -> None:
        """Begin with the jobs of a checkpoint."""
        for job in jobs:
            self._note(job)

    def fold(self, _: Entry, outcome: Folded | Void) -> None:
        """Move by one entry, right after the state was."""
        if isinstance(outcome, Void):
            return
        for end in outcome.attempts_ended:
            held = self._open.pop((end.spec.id, end.attempt), None)
            if held is None and end.started_at is not None:
                held = _HeldAttempt(end.spec, end.started_at)
            if held is not None:
                held.grow(end.placed_tasks)
                held.ended_at = end.ended_at
                self._closed.append(held)
        for job in outcome.jobs.values():
            self._note(job)

    def take(self, until: Instant) -> list[usage.UsageEntry]:
        """Return what was held up to `until` and is in no sample yet: one entry a job, by id."""
        amounts: dict[str, dict[str, int]] = {}
        specs: dict[str, JobSpec] = {}
        for held in (*self._closed, *self._open.values()):
            job_id = held.spec.id
            of_job = amounts.get(job_id, {})
            if held.take(until, of_job):
                amounts[job_id], specs[job_id] = of_job, held.spec
        self._closed.clear()
        return [_entry(specs[job_id], amounts[job_id]) for job_id in sorted(amounts)]

    def running(self) -> Iterator[tuple[JobSpec, Resources]]:
        """Yield the jobs that run, those that began first first, with what each holds now."""
        return (
            (held.spec, total(part.request for part in held.parts)) for held in self._open.values()
        )

    def _note(self, job: Job) -> None:
        if not job.is_live or job.started_at is None:
            return
        key = job.spec.id, job.attempt
        held = self._open.get(key)
        if held is None:
            held = self._open[key] = _HeldAttempt(job.spec, job.started_at)
        held.grow(placed_tasks_of(job))


def _entry(spec: JobSpec, amounts: Mapping[str, int]) -> usage.UsageEntry:
    return usage.UsageEntry(
        spec.id,
        spec.queue,
        spec.project,
        spec.user,
        {name: amount / (SECOND * units_per_base(name)) for name, amount in amounts.items()},
    )


def capacity_of(nodes: Iterable[Node]) -> dict[str, int]:
    """Return what the ready nodes have together; cordoned ones count, as work runs on there."""
    return total(node.capacity for node in nodes if node.is_ready)


def in_base_units(amounts: Resources) -> dict[str, float]:
    """Return amounts in cores, bytes, cards, bit/s."""
    return {name: amounts[name] / units_per_base(name) for name in sorted(amounts)}


def parts_of(
    entries: list[usage.UsageEntry], capacity: Mapping[str, float], *, most: int
) -> Iterator[tuple[tuple[usage.UsageEntry, ...], Mapping[str, float]]]:
    """Cut a tick's entries into parts of at most `most`; the capacity counts once, in the first."""
    for at in range(0, max(1, len(entries)), most):
        yield tuple(entries[at : at + most]), {} if at else capacity
