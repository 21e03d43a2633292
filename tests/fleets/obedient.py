"""A cluster of GPUs that does what was decided, when it is told to."""

from typing import Any

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.decisions import Eviction
from evenflow.common.domain.facts import cycle, jobs
from evenflow.common.domain.jobs.job import JobSpec, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.testing.builders import a_node
from evenflow.policy_engine.core.cycle import is_empty
from tests.fleets.fleet import Fleet


class Obedient(Fleet):
    """Nodes of so many GPUs, and a clock that moves a second with every turn."""

    def __init__(
        self, *queues: Queue | str, gpus: int | tuple[int, ...] = 8, **chosen: Any
    ) -> None:
        sizes = (gpus,) if isinstance(gpus, int) else gpus
        nodes = (a_node(f"n{i}", gpu=1000 * gpu) for i, gpu in enumerate(sizes, start=1))
        super().__init__(*queues, nodes=nodes, **chosen)

    def submit(self, queue: str, count: int = 1, gpus: float = 1, **fields: Any) -> list[JobSpec]:
        fields.setdefault("resources", {"gpu": int(1000 * gpus)})
        specs = [self.next_spec(queue=queue, **fields) for _ in range(count)]
        self.tell(jobs.Submitted(tuple(specs)))
        return specs

    def decide(self) -> cycle.Decided:
        """Run one cycle and fold it; nobody obeys yet."""
        self.now += SECOND
        return super().decide()

    def obey(self) -> None:
        """Let what was placed run, and what has to stop end."""
        for job in list(self.shard.state.jobs.values()):
            if job.is_live and job.must_stop:
                self.stop(job.spec)
            elif job.is_live and job.started_at is None:
                self.report(job.spec.id, TaskPhase.RUNNING)

    def stop(self, spec: JobSpec) -> None:
        self.report(spec.id, TaskPhase.ENDED, Outcome.STOPPED)

    def turn(self) -> list[Eviction]:
        """Decide, and let the cluster obey; return who was stopped for others."""
        decision = self.decide()
        self.obey()
        return [eviction for eviction in decision.evictions if eviction.beneficiary]

    def settle(self, most: int = 200) -> list[Eviction]:
        """Go on until a few turns decide nothing; return who was stopped."""
        stopped: list[Eviction] = []
        quiet = 0
        for _ in range(most):
            decision = self.decide()
            self.obey()
            stopped += decision.evictions
            quiet = quiet + 1 if is_empty(decision) else 0
            if quiet > 2:
                return stopped
        raise AssertionError("it never comes to rest")

    def running(self, queue: str) -> list[JobSpec]:
        """Return what is live at a queue and below it, in the order of submission."""
        live = [job.spec for job in self.shard.state.jobs.values() if job.is_live]
        return [s for s in live if f"{s.queue}/".startswith(f"{queue}/")]

    def is_live(self, spec: JobSpec) -> bool:
        return self.shard.job(spec).is_live
