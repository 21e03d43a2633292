"""A shard for tests: a state, and the facts that made it."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.facts import cluster, jobs, leader, queues, runs
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.job import Job, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import T0, a_queue, a_spec


class Shard:
    """A state and the log that made it. `tell` appends a fact and folds it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.state = ShardState()
        self.entries: list[Entry] = []
        self._numbers = count(1)

    def tell(self, fact: Fact, *, at: int = T0, actor: str = "test") -> Folded | Void:
        """Append and fold one fact."""
        sequence = self.state.sequence + 1
        entry = Entry(sequence, f"event-{sequence}", at, actor, fact)
        self.entries.append(entry)
        return apply(self.state, entry)

    def with_queues(self, *queues_or_paths: Queue | str) -> "Shard":
        """Define queues, with their parents where those are missing."""
        for each in queues_or_paths:
            queue = a_queue(each) if isinstance(each, str) else each
            levels = queue.path.split("/")
            for depth in range(1, len(levels)):
                above = "/".join(levels[:depth])
                if above not in self.state.queues:
                    self.tell(queues.Defined((a_queue(above),)))
            self.tell(queues.Defined((queue,)))
        return self

    def with_nodes(self, *nodes: Node) -> "Shard":
        """Report nodes of the simulated cluster."""
        self.tell(cluster.Observed("simulated", nodes))
        return self

    def with_leader(self) -> "Shard":
        """Let an engine lead."""
        self.tell(leader.Decided("engine-1", "1"))
        return self

    def submit(self, *specs: JobSpec, **fields: Any) -> JobSpec:
        """Submit the specs, or one new job with these fields; return the last."""
        given = specs or (a_spec(next(self._numbers), **fields),)
        self.tell(jobs.Submitted(tuple(given)))
        return given[-1]

    def job(self, spec: JobSpec) -> Job:
        """Return a job that has not ended."""
        return self.state.jobs[spec.id]

    def report(self, spec: JobSpec, phase: TaskPhase, **fields: Any) -> Folded | Void:
        """Report runs of the job's current attempt."""
        fields.setdefault(
            "attempt", self.state.jobs[spec.id].attempt if spec.id in self.state.jobs else 1
        )
        fields.setdefault("at", T0)
        return self.tell(runs.Reported((runs.RunReport(job_id=spec.id, phase=phase, **fields),)))

    def start(self, spec: JobSpec, *, at: int = T0) -> None:
        """Report all tasks running."""
        self.report(spec, TaskPhase.RUNNING, at=at)

    def end(self, spec: JobSpec, outcome: Outcome, **fields: Any) -> Folded | Void:
        """Report all tasks ended."""
        return self.report(spec, TaskPhase.ENDED, outcome=outcome, **fields)


def jobs_of(folded: Folded | Void) -> Iterable[Job]:
    """Return the jobs a fold touched."""
    return folded.jobs.values() if isinstance(folded, Folded) else ()
