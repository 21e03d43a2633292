"""What really happened: the log, folded from its start, held against the file the jobs wrote."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.contracts import codec
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle, leader
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import AttemptEnd, Folded
from evenflow.common.domain.jobs.job import TERMINAL, JobState
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.state.shard_state import ShardState
from tests.chaos.load import Line


@dataclass(slots=True)
class History:
    """Everything the log holds, and what folding it showed at each position."""

    entries: list[Entry] = field(default_factory=list)
    state: ShardState = field(default_factory=ShardState)
    endings: dict[str, list[JobState]] = field(default_factory=lambda: defaultdict(list))
    attempts: dict[str, list[AttemptEnd]] = field(default_factory=lambda: defaultdict(list))
    names: Counter[str] = field(default_factory=Counter)  # of accepted jobs
    over_quota: int = 0  # the most that was ever held above a quota, in the resource's unit
    drift: int = 0  # the most that the ledger ever differed from the sum over the live jobs

    def fold(self, entry: Entry) -> None:
        """Take in the next entry."""
        self.entries.append(entry)
        outcome = apply(self.state, entry)
        if not isinstance(outcome, Folded):
            return
        for job_id, job in outcome.jobs.items():
            if job.state in TERMINAL:
                self.endings[job_id].append(job.state)
            if job.accepted_sequence == entry.sequence:
                self.names[job.spec.name] += 1
        for end in outcome.attempts_ended:
            self.attempts[end.spec.id].append(end)
        if outcome.jobs:
            self._look_at_quotas()

    def epochs(self) -> list[int]:
        """Return the sequences of the leaders' barriers."""
        return [entry.sequence for entry in self.entries if isinstance(entry.fact, leader.Decided)]

    def late_decisions(self) -> list[int]:
        """Return decisions that stand in the log behind the barrier of a later leader."""
        late, epoch = [], 0
        for entry in self.entries:
            match entry.fact:
                case leader.Decided():
                    epoch = entry.sequence
                case cycle.Decided(epoch=its_epoch) if its_epoch != epoch:
                    late.append(entry.sequence)
        return late

    def _look_at_quotas(self) -> None:
        live = [job for job in self.state.jobs.values() if job.is_live]
        for path, quota in self.state.quotas.items():
            summed: Counter[str] = Counter()
            for job in live:
                if path in lineage(job.spec.queue):
                    for name, amount in job.spec.resources.items():
                        summed[name] += amount * job.spec.tasks
            held = self.state.ledger.held(path).resources
            for name in summed.keys() | held.keys():
                self.drift = max(self.drift, abs(held.get(name, 0) - summed[name]))
            for name, limit in quota.resources.items():
                self.over_quota = max(self.over_quota, summed[name] - limit)


async def read_history(log: ShardLog) -> History:
    """Read and fold the whole log as it is now."""
    history = History()
    reader = await log.open_reader(0)
    last = await reader.last_sequence()
    async for batch in reader.batches():
        for message in batch:
            if message.sequence <= last:
                history.fold(codec.decode(message.subject, message.data, message.sequence))
        if history.state.sequence >= last:
            break
    await reader.close()
    return history


class Evidence(Protocol):
    """What the load knows: jobs it was promised, their unique names, and what they wrote."""

    accepted: dict[str, str]
    names: dict[str, str]

    def lines(self) -> Iterable[Line]:
        """Return what the commands wrote, in their order."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, job by job; empty when all is well."""

    lost: Mapping[str, list[str]]
    doubled: Mapping[str, list[str]]
    quota_error: int
    is_view_right: bool


def judge(history: History, load: Evidence, totals: Mapping[str, int]) -> Findings:
    """Compare what was accepted, what the log says, what ran, and what REST says."""
    ran = _Ran(load.lines())
    lost: dict[str, list[str]] = defaultdict(list)
    doubled: dict[str, list[str]] = defaultdict(list)
    for job in load.accepted:
        endings = history.endings.get(job, [])
        if not endings:
            lost[job].append("it never reached an end")
        elif len(endings) > 1:
            doubled[job].append(f"it ended {len(endings)} times: {endings}")
        elif endings[0] is not JobState.SUCCEEDED:
            lost[job].append(f"it should have succeeded and is {endings[0]}")
        if (copies := history.names[load.names[job]]) > 1:
            doubled[job].append(f"its one submission is {copies} jobs")
    for job, attempts in history.attempts.items():
        for problem in ran.missing(job, attempts):
            lost[job].append(problem)
        for problem in ran.too_much(job, attempts):
            doubled[job].append(problem)
    for job in ran.jobs - history.attempts.keys():
        doubled[job].append("it ran and the log knows nothing of it")
    counted = Counter(_status(ending) for endings in history.endings.values() for ending in endings)
    return Findings(
        lost,
        doubled,
        quota_error=max(history.over_quota, history.drift),
        is_view_right=dict(counted) == dict(totals) and not history.state.jobs,
    )


def _status(ending: JobState) -> str:
    return "failed" if ending is JobState.REJECTED else str(ending)


class _Ran:
    """The shared file, by job."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            self._lines[line.job].append(line)

    @property
    def jobs(self) -> set[str]:
        return set(self._lines)

    def missing(self, job: str, attempts: list[AttemptEnd]) -> Iterator[str]:
        """Yield what the log says ran and left no trace, and what it says went well and did not."""
        lines = self._lines[job]
        started = {(line.attempt, line.task) for line in lines if line.what == "start"}
        ended = {(line.attempt, line.task) for line in lines if line.what == "end"}
        for end in attempts:
            for task in range(end.spec.tasks):
                is_last = end.attempt == attempts[-1].attempt
                if is_last and (end.attempt, task) not in ended:
                    yield f"attempt {end.attempt} of task {task} ended well, it says: no trace"
                elif end.started_at is not None and (end.attempt, task) not in started:
                    yield f"attempt {end.attempt} of task {task} ran, it says: no trace"

    def too_much(self, job: str, attempts: list[AttemptEnd]) -> Iterator[str]:
        """Yield starts that happened twice, that the log does not know, or beside one another."""
        lines = self._lines[job]
        starts = Counter((line.attempt, line.task) for line in lines if line.what == "start")
        known = {end.attempt for end in attempts}
        for (attempt, task), count in starts.items():
            if count > 1:
                yield f"attempt {attempt} of task {task} started {count} times"
            if attempt not in known:
                yield f"attempt {attempt} of task {task} ran and the log does not know it"
        for line in lines:
            if line.what == "overlap":
                yield f"attempt {line.attempt} of task {line.task} ran beside another"
        for task in {line.task for line in lines}:
            for earlier, later in pairwise(line for line in lines if line.task == task):
                if later.attempt < earlier.attempt:
                    yield f"attempt {later.attempt} still spoke after {earlier.attempt} had started"
