"""Resource-seconds that all samples told of, as counters: by user, and by job. Pure.

A counter is a function of the samples alone, in their order. So a process that begins with what
another kept, and adds the samples after it, shows the same numbers: none lost, none twice.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample

Key = tuple[str, str, str, str]
"""Queue, project, user, resource."""

FORMAT: Final = 1
JOB_LIFE_US: Final = 600 * SECOND
"""A job's counters are shown for this long after its end, on the shard's clock."""


@dataclass(slots=True)
class Counter:
    """`exact` may go back, when an end was told late; `shown` waits until it is passed again."""

    exact: float = 0.0
    shown: float = 0.0

    def add(self, amount: float) -> None:
        """Count an amount."""
        self.exact += amount
        self.shown = max(self.shown, self.exact)


@dataclass(slots=True)
class JobTotals:
    """What one job used; `last_at` is the end of the last sample that tells of it."""

    queue: str
    project: str
    last_at: Instant
    counters: dict[str, Counter] = field(default_factory=dict)  # by resource


class UsageTotals:
    """All counters. `sequence` is the last message of the stream of samples that is in them."""

    def __init__(self) -> None:
        """Nothing was used."""
        self.sequence = 0
        self.jobs: dict[str, JobTotals] = {}  # those that began first, first
        self._counters: dict[Key, Counter] = {}

    def add(self, sample: UsageSample, sequence: int) -> None:
        """Count a sample, the next one of the stream."""
        for entry in sample.entries:
            of_job = self._job(entry, sample.interval_end)
            for resource, amount in entry.amounts.items():
                key = entry.queue, entry.project, entry.user, resource
                self._counters.setdefault(key, Counter()).add(amount)
                of_job.counters.setdefault(resource, Counter()).add(amount)
        oldest = sample.interval_end - JOB_LIFE_US
        for job_id in [one for one, job in self.jobs.items() if job.last_at < oldest]:
            del self.jobs[job_id]
        self.sequence = sequence

    def items(self) -> Iterator[tuple[Key, float]]:
        """Return what is shown."""
        return ((key, counter.shown) for key, counter in self._counters.items())

    def _job(self, entry: UsageEntry, at: Instant) -> JobTotals:
        found = self.jobs.get(entry.job_id)
        if found is None:
            found = self.jobs[entry.job_id] = JobTotals(entry.queue, entry.project, at)
        found.last_at = max(found.last_at, at)
        return found

    def dump(self) -> bytes:
        """Return all of it; numbers read back bit by bit."""
        document = {
            "format": FORMAT,
            "sequence": self.sequence,
            "counters": [[*key, one.exact, one.shown] for key, one in self._counters.items()],
            "jobs": [
                [job_id, job.queue, job.project, job.last_at,
                 [[name, one.exact, one.shown] for name, one in job.counters.items()]]
                for job_id, job in self.jobs.items()
            ],
        }  # fmt: skip
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def load_totals(data: bytes) -> UsageTotals | None:
    """Read totals back; None when they are damaged or of another format."""
    try:
        found = json.loads(data)
        if found["format"] != FORMAT:
            return None
        totals = UsageTotals()
        totals.sequence = int(found["sequence"])
        for queue, project, user, resource, exact, shown in found["counters"]:
            key = str(queue), str(project), str(user), str(resource)
            totals._counters[key] = Counter(float(exact), float(shown))  # noqa: SLF001
        for job_id, queue, project, last_at, counters in found["jobs"]:
            job = JobTotals(str(queue), str(project), int(last_at))
            for resource, exact, shown in counters:
                job.counters[str(resource)] = Counter(float(exact), float(shown))
            totals.jobs[str(job_id)] = job
    except (RecursionError, ValueError, KeyError, TypeError):
        return None
    return totals
