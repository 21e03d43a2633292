"""Builders of domain objects for tests: short to write, with defaults that mean nothing special."""

from collections.abc import Iterable
from itertools import count
from typing import Any
from uuid import UUID

from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.facts import cluster, jobs, leader, queues, runs
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.job import Job, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.domain.state.shard_state import ShardState

GIB = 2**30
T0 = 1_790_000_000_000_000
"""An instant in 2026 to count from, microseconds."""
HOUR = 3_600_000_000


def job_id(number: int) -> str:
    """Return a job id that sorts and reads by its number."""
    return str(UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + number))


def a_spec(number: int = 1, **fields: Any) -> JobSpec:
    """Return a submission; `queue` decides the project unless that is given."""
    queue = fields.setdefault("queue", "default/default")
    fields.setdefault("project", queue.partition("/")[0])
    given: dict[str, Any] = {
        "id": job_id(number),
        "name": f"job-{number}",
        "user": "ann",
        "submitted_at": T0 + number,
        "executor": "simulated",
        "executor_config": {"run_seconds": 1},
        "resources": {"cpu": 1000},
    }
    return JobSpec(**(given | fields))


def a_queue(path: str, **fields: Any) -> Queue:
    """Return a queue whose id is made from its path."""
    given: dict[str, Any] = {"id": f"id-{path}", "path": path, "created_at": T0}
    return Queue(**(given | fields))


def a_node(name: str = "n1", *, cpu: int = 64_000, gpu: int = 0, **fields: Any) -> Node:
    """Return a node of the simulated cluster; cpu and gpu in thousandths."""
    capacity = {"cpu": cpu, "memory": 512 * GIB} | ({"gpu": gpu} if gpu else {})
    given: dict[str, Any] = {"name": name, "cluster": "simulated", "capacity": capacity}
    return Node(**(given | fields))


def a_reservation(name: str = "kept", **fields: Any) -> Reservation:
    """Return a reservation of one GPU for queue `vision`, from an hour on for an hour."""
    given: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "queue": "vision",
        "start_at": T0 + HOUR,
        "end_at": T0 + 2 * HOUR,
        "resources": {"gpu": 1000},
        "executor": "simulated",
        "created_by": "ann",
        "created_at": T0,
    }
    return Reservation(**(given | fields))


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
