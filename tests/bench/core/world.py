"""A cluster under load for the benches of the core: facts in, decisions out, nothing else."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from random import Random
from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.facts import cycle, jobs, runs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.testing.builders import GIB, T0, a_node, a_spec, job_id
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState

BATCH: Final = 500  # records a message, as writers make them under load
USERS: Final = 200


@dataclass(frozen=True, slots=True)
class Shape:
    """What `weight` of all the jobs ask for, per task; amounts as in `resources`, memory in GiB."""

    weight: int
    gpu: int
    cpu: int
    gib: int
    tasks: int = 1


GPU_MIX: Final = (  # of 100 jobs; a node has 8 GPUs, 64 cores, 512 GiB
    Shape(30, 1000, 7000, 32),
    Shape(15, 1000, 4000, 16),
    Shape(15, 2000, 14_000, 64),
    Shape(10, 4000, 28_000, 128),
    Shape(5, 8000, 56_000, 448),
    Shape(8, 500, 3000, 16),
    Shape(4, 250, 1000, 8),
    Shape(5, 0, 2000, 4),
    Shape(3, 8000, 56_000, 256, tasks=2),
    Shape(5, 2000, 14_000, 64, tasks=4),
)
ONE_SHAPE: Final = (Shape(1, 1000, 7000, 32),)
CPU_PODS: Final = (Shape(40, 0, 1000, 4), Shape(40, 0, 2000, 8), Shape(20, 0, 3000, 12))
GPU_PODS: Final = (
    Shape(60, 1000, 7000, 32),
    Shape(25, 2000, 14_000, 64),
    Shape(15, 4000, 28_000, 128),
)


def tree(*widths: int) -> list[str]:
    """Return the paths of the leaves of a queue tree that is so wide on each level."""
    levels = ([f"{'abc'[depth]}{n:02d}" for n in range(wide)] for depth, wide in enumerate(widths))
    return ["/".join(path) for path in product(*levels)]


def gpu_nodes(count: int) -> list[Node]:
    """Return nodes of 8 GPUs, 64 cores and 512 GiB."""
    return [a_node(f"n{i:05d}", gpu=8000) for i in range(count)]


def cpu_nodes(count: int) -> list[Node]:
    """Return nodes of 64 cores and 512 GiB."""
    return [a_node(f"c{i:05d}") for i in range(count)]


class NoHistory(list[Entry]):
    """A log that forgets: it is not what is measured."""

    def append(self, _: object) -> None:
        """Keep nothing."""


class World:
    """An engine's state over a cluster, and a stream of jobs that is the same in every run."""

    def __init__(
        self,
        nodes: Iterable[Node],
        leaves: Sequence[str],
        *,
        decide_by: SchedulerSettings | None = None,
    ) -> None:
        """`decide_by`: None means the defaults of a new shard."""
        self.shard = Shard().with_leader().with_queues(*leaves)
        self.shard.entries = NoHistory()
        self.shard.with_nodes(*nodes)
        if decide_by is not None:
            self.shard.tell(settings.Set(decide_by))
        self.state = EngineState(self.shard.state)
        self.live: list[str] = []  # jobs that hold resources
        self.now = T0
        self.chance = Random(7)
        self.leaves = leaves  # where jobs are submitted to, evenly
        self._tops = sorted({leaf.partition("/")[0] for leaf in leaves})
        self._submitted = 0

    def tell(self, fact: Fact) -> None:
        """Fold a fact and let the engine's state follow. A fact that is void measures nothing."""
        outcome = self.shard.tell(fact, at=self.now)
        if not isinstance(outcome, Folded) or outcome.voids:
            raise RuntimeError(f"void in a bench: {outcome}")
        self.state.note(outcome)

    def submissions(self, count: int, mix: Sequence[Shape]) -> list[jobs.Submitted]:
        """Return the next jobs of the stream, in messages as the gateway would write them."""
        shapes = self.chance.choices(mix, [shape.weight for shape in mix], k=count)
        specs = [self._spec(shape) for shape in shapes]
        return [jobs.Submitted(tuple(specs[n : n + BATCH])) for n in range(0, count, BATCH)]

    def submit(self, count: int, mix: Sequence[Shape]) -> None:
        """Submit the next jobs of the stream."""
        for fact in self.submissions(count, mix):
            self.tell(fact)

    def keep_heads(self) -> None:
        """Cancel all that waits but the first job of each queue, so that few wait as many did."""
        waiting = [job for job in self.shard.state.jobs.values() if not job.is_live]
        heads = {job.spec.queue: job.position for job in reversed(waiting)}  # in order of position
        rest = [
            jobs.CancelRequest(job.spec.id, job.spec.user)
            for job in waiting
            if job.position != heads[job.spec.queue]
        ]
        for start in range(0, len(rest), BATCH):
            self.tell(jobs.CancelRequested(tuple(rest[start : start + BATCH])))
        self.settle()

    def submit_again(self, specs: Sequence[JobSpec]) -> None:
        """Submit jobs that want the same, in the same queues, and decide what there is to say."""
        numbers = range(self._submitted + 1, self._submitted + 1 + len(specs))
        self._submitted += len(specs)
        anew = (replace(spec, id=job_id(n)) for spec, n in zip(specs, numbers, strict=True))
        self.tell(jobs.Submitted(tuple(anew)))
        self.settle()

    def decide(self) -> cycle.Decided:
        """Run one cycle; fold nothing."""
        self.now += 1000
        return run_cycle(self.state, self.shard.state.settings, self.now)

    def follow(self, decision: cycle.Decided) -> None:
        """Fold a decision."""
        self.tell(decision)
        self.live.extend(placement.job_id for placement in decision.placements)

    def settle(self) -> float:
        """Decide and fold until there is nothing to say; return the seconds in `run_cycle`."""
        deciding = 0.0
        while True:
            began = time.perf_counter()
            decision = self.decide()
            deciding += time.perf_counter() - began
            if is_empty(decision):
                return deciding
            self.follow(decision)

    def saturate(self, pending: int, mix: Sequence[Shape]) -> None:
        """Submit until so many wait although every cycle has said all it had to say."""
        while (missing := pending - self.pending) > 0:
            self.submit(missing, mix)
            self.settle()

    def end(self, ending: str) -> None:
        """Fold the report that a job is done, with all its tasks."""
        report = runs.RunReport(
            ending, 1, TaskPhase.ENDED, self.now, outcome=Outcome.SUCCEEDED, started_at=self.now
        )
        self.tell(runs.Reported((report,)))

    def any_live(self) -> str:
        """Take a job at random out of the live ones."""
        at = self.chance.randrange(len(self.live))
        self.live[at], self.live[-1] = self.live[-1], self.live[at]
        return self.live.pop()

    @property
    def pending(self) -> int:
        """How many jobs wait."""
        return sum(self.shard.state.count(path).pending for path in self._tops)

    def _spec(self, shape: Shape) -> JobSpec:
        self._submitted += 1
        wants = {"cpu": shape.cpu, "memory": shape.gib * GIB}
        return a_spec(
            self._submitted,
            queue=self.chance.choice(self.leaves),
            user=f"user-{self.chance.randrange(USERS):03d}",
            resources=wants | ({"gpu": shape.gpu} if shape.gpu else {}),
            tasks=shape.tasks,
        )
