"""A cluster of GPUs on which what is placed runs at once."""

from typing import Any

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.jobs.job import JobSpec, TaskPhase
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.testing.builders import a_node
from tests.fleets.fleet import Fleet

MINUTE = 60 * SECOND
CARD = {"cpu": 1000, "gpu": 1000}


class Machine(Fleet):
    """Nodes of so many GPUs each, and jobs of 1-GPU tasks."""

    def __init__(self, *queues: Queue | str, nodes: int = 4, gpus: int = 8, **chosen: Any) -> None:
        each = (a_node(f"n{i}", gpu=1000 * gpus) for i in range(nodes))
        super().__init__(*(queues or ("default/default",)), nodes=each, **chosen)

    def submit(self, tasks: int, minutes: float | None = None, **fields: Any) -> JobSpec:
        """Submit a job of so many tasks, with a limit or none."""
        limit = None if minutes is None else int(minutes * MINUTE)
        fields.setdefault("resources", CARD)
        return self.submit_job(tasks=tasks, time_limit_us=limit, **fields)

    def decide(self) -> cycle.Decided:
        decision = super().decide()
        for placement in decision.placements:
            self.report(placement.job_id, TaskPhase.RUNNING)
        return decision

    def turn(self) -> list[str]:
        """Decide until nothing more is said; return what started."""
        return [each.job_id for decision in self.decisions() for each in decision.placements]

    def is_running(self, spec: JobSpec) -> bool:
        job = self.shard.state.jobs.get(spec.id)
        return job is not None and job.is_live
