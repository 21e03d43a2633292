"""Who held how much for how long: resources times time, integrated exactly between events. Pure.

Let F(s, t) be the resource-seconds that the log up to sequence s tells of, up to instant t. A
sample is the difference of two F. So samples add up to the truth whatever happened between them: a
job of 0.4 s between two ticks counts 0.4 s; what was counted of a job that turns out to have ended
earlier is taken back by the next sample, as a negative amount; and after a crash the next sample is
computed from the last one's (s, t) and the log alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import usage
from evenflow.common.domain.folded import Folded, Void
from evenflow.common.domain.job import Job, JobSpec
from evenflow.common.domain.node import Node
from evenflow.common.domain.resources import Resources, total, units_per_base

_Key = tuple[str, int]
"""Job id and attempt: an attempt's end may be told in the same fact as its start."""


@dataclass(slots=True)
class _Held:
    """One attempt that runs, or ran; `sampled_us` is how much of it earlier samples hold."""

    spec: JobSpec
    started_at: Instant
    ended_at: Instant | None = None
    sampled_us: int = 0

    def take(self, until: Instant) -> int:
        """Return the microseconds up to `until` in no sample yet; negative takes some back."""
        end = until if self.ended_at is None else self.ended_at
        held = max(0, end - self.started_at)
        fresh, self.sampled_us = held - self.sampled_us, held
        return fresh


class Allocations:
    """Attempts from all their tasks running to the last one's end, as the log tells them."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._open: dict[_Key, _Held] = {}
        self._closed: list[_Held] = []

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
                held = _Held(end.spec, end.started_at)
            if held is not None:
                held.ended_at = end.ended_at
                self._closed.append(held)
        for job in outcome.jobs.values():
            self._note(job)

    def take(self, until: Instant) -> list[usage.UsageEntry]:
        """Return what was held up to `until` and is in no sample yet: one entry a job, by id."""
        amounts: dict[str, dict[str, int]] = {}
        specs: dict[str, JobSpec] = {}
        for held in (*self._closed, *self._open.values()):
            fresh_us = held.take(until)
            if fresh_us:
                spec = specs[held.spec.id] = held.spec
                of_job = amounts.setdefault(spec.id, {})
                for name, amount in spec.resources.items():
                    # Integers up to here: an amount is exact, and the same on every machine.
                    of_job[name] = of_job.get(name, 0) + amount * spec.tasks * fresh_us
        self._closed.clear()
        return [_entry(specs[job_id], amounts[job_id]) for job_id in sorted(amounts)]

    def _note(self, job: Job) -> None:
        key = job.spec.id, job.attempt
        if job.is_live and job.started_at is not None and key not in self._open:
            self._open[key] = _Held(job.spec, job.started_at)


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
