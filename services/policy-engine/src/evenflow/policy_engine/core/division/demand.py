"""What all jobs ask for, pending or live: the mix of shapes, and each queue's requests."""

from typing import Final

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.division.fair_shares import FairShares
from evenflow.policy_engine.core.placement import Rooms


class Demand:
    """Each job is counted once, with all its tasks, from its submission until it is gone.

    What a job asks for follows from its spec, which is all that is kept of it here.
    """

    def __init__(self, rooms: Rooms, shares: FairShares) -> None:
        """Nobody asks for anything; `rooms` and `shares` are told of what is counted."""
        self._rooms: Final = rooms
        self._shares: Final = shares
        self._specs: Final[dict[str, JobSpec]] = {}  # of jobs that are counted

    def is_counted(self, spec: JobSpec) -> bool:
        """Whether a job is counted with just this spec."""
        return self._specs.get(spec.id) is spec

    def ask(self, job: Job) -> None:
        """Count a job; one that is counted may have changed, and may ask for the same."""
        spec = job.spec
        known = self._specs.get(spec.id)
        self._specs[spec.id] = spec
        if known is None:
            self._count(spec, 1)
        elif known is not spec and not self._are_alike(known, spec):
            self._count(known, -1)
            self._count(spec, 1)

    def drop(self, job_id: str) -> None:
        """Count a job no more; nothing happens when it is not counted."""
        spec = self._specs.pop(job_id, None)
        if spec is not None:
            self._count(spec, -1)

    def _count(self, spec: JobSpec, sign: int) -> None:
        self._rooms.count(self._rooms.shape_of(spec), sign)
        self._shares.request(spec.queue, whole_request(spec, spec.tasks), sign)

    def _are_alike(self, one: JobSpec, other: JobSpec) -> bool:
        shape_of = self._rooms.shape_of
        return one.queue == other.queue and shape_of(one) is shape_of(other)
