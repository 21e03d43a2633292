"""A cluster on which room is kept in advance."""

from typing import Any

from evenflow.common.domain.decisions.decisions import PendingReason
from evenflow.common.domain.facts import reservations
from evenflow.common.domain.jobs.job import JobSpec
from evenflow.common.testing.builders import a_node, a_reservation
from tests.fleets.fleet import Fleet


class Reserving(Fleet):
    """Nodes of 8 GPUs in a rack each, and queues `vision/train` and `speech`."""

    def __init__(self, count: int = 2, **chosen: Any) -> None:
        racks = (a_node(f"n{i}", gpu=8000, labels={"rack": f"r{i}"}) for i in range(count))
        super().__init__("vision/train", "speech", nodes=racks, **chosen)

    def reserve(self, name: str = "kept", **fields: Any) -> None:
        self.tell(reservations.Defined((a_reservation(name, **fields),)))

    def submit(self, queue: str = "speech", *, limit: int | None = None, **fields: Any) -> JobSpec:
        fields.setdefault("resources", {"gpu": 1000})
        return self.submit_job(queue=queue, time_limit_us=limit, **fields)

    def turn(self, at: int | None = None) -> list[str]:
        """Decide until nothing more is said; return the ids of what started."""
        self.now = self.now if at is None else at
        return [each.job_id for decision in self.decisions() for each in decision.placements]

    def reason(self, spec: JobSpec) -> PendingReason | None:
        return self.shard.job(spec).reason
