"""What the log of a running system told of the scenario, line by line with its sequences."""

from dataclasses import dataclass, field
from typing import Final

from evenflow.common.contracts import codec
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.state.usage_documents import UsageDocuments
from evenflow.common.domain.usage.snapshot import parse_snapshot
from tests.experiment.held import Held, Step
from tests.experiment.scenario import QUEUES, Scenario

_FACT_TOKENS: Final = -2  # of a subject: the context and the fact


@dataclass(frozen=True, slots=True)
class Row:
    """What was so after one fact; `at` is on the shard's clock."""

    sequence: int
    fact: str
    at: Instant
    gpus: dict[str, int]
    usage: dict[str, float]


@dataclass(slots=True)
class Lived:
    """Folds the log; a job holds its GPUs while all of it runs, as for usage."""

    scenario: Scenario
    began_at: Instant = 0
    rows: list[Row] = field(default_factory=list)
    _state: ShardState = field(default_factory=ShardState)
    _running: dict[str, tuple[str, int]] = field(default_factory=dict)
    _usage: dict[str, float] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0.0))

    def fold(self, subject: str, data: bytes, sequence: int) -> None:
        """Take in one message of the log."""
        entry = codec.decode(subject, data, sequence)
        outcome = apply(self._state, entry)
        if not isinstance(outcome, Folded):
            return
        before = self._gpus()
        for job_id, job in outcome.jobs.items():
            if job.state is JobState.RUNNING:
                self._running[job_id] = job.spec.queue, job.spec.tasks
            else:
                self._running.pop(job_id, None)
        if isinstance(entry.fact, SnapshotTaken):
            known = UsageDocuments(facts=self._state.usage_facts)
            queues = parse_snapshot(known.document(sequence)).queues
            self._usage = {queue: queues.ratio_of(queue, "gpu") for queue in QUEUES}
        elif self._gpus() == before:
            return
        fact = ".".join(subject.split(".")[_FACT_TOKENS:])
        self.rows.append(Row(sequence, fact, entry.occurred_at, self._gpus(), self._usage))

    def held(self) -> dict[str, Held]:
        """Return what each queue held; instants are counted from the beginning."""
        return {queue: Held.of(self._steps(queue)) for queue in QUEUES}

    def _steps(self, queue: str) -> list[Step]:
        before = [0, *(row.gpus[queue] for row in self.rows)]
        return [
            (row.at - self.began_at, row.gpus[queue] - gpus)
            for row, gpus in zip(self.rows, before, strict=False)
        ]

    def _gpus(self) -> dict[str, int]:
        sums = dict.fromkeys(QUEUES, 0)
        for queue, gpus in self._running.values():
            sums[queue] += gpus
        return sums
