"""What is left under the limit or quota that holds a job back, as time goes by in a prediction."""

from collections.abc import Mapping
from dataclasses import dataclass

from evenflow.common.domain.decisions.decisions import PendingReason
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.state.engine_state import EngineState


@dataclass(slots=True)
class Gate:
    """So much of one resource, or so many jobs, may be held at a queue and below it."""

    path: str
    resource: str | None  # None: jobs are counted
    job_type: str | None  # only these are counted
    left: int

    def holds(self, spec: JobSpec) -> bool:
        """Whether a job counts here."""
        is_below = f"{spec.queue}/".startswith(f"{self.path}/")
        return is_below and (self.job_type is None or spec.job_type == self.job_type)

    def lets(self, spec: JobSpec, wanted: Mapping[str, int]) -> bool:
        """Whether a job may start under it."""
        return not self.holds(spec) or self._of(wanted) <= self.left

    def take(self, spec: JobSpec, wanted: Mapping[str, int]) -> None:
        """A job starts."""
        if self.holds(spec):
            self.left -= self._of(wanted)

    def give(self, spec: JobSpec, held: Mapping[str, int]) -> None:
        """A job ends."""
        if self.holds(spec):
            self.left += self._of(held)

    def _of(self, amounts: Mapping[str, int]) -> int:
        return 1 if self.resource is None else amounts.get(self.resource, 0)


def gate_of(state: EngineState, reason: PendingReason) -> Gate | None:
    """Return the gate that a reason names; None when it names none that is counted."""
    detail = reason.detail
    path = detail.get("queue")
    if not isinstance(path, str):
        return None
    held = state.commitments.held(path)
    resource, job_type = detail.get("resource"), detail.get("job_type")
    if isinstance(resource, str):
        most = detail.get("limit", detail.get("quota"))
        used = held.resources.get(resource, 0)
        return Gate(path, resource, None, most - used) if isinstance(most, int) else None
    most = detail.get("max_concurrent_jobs", detail.get("quota"))
    if not isinstance(most, int):
        return None
    if isinstance(job_type, str):
        return Gate(path, None, job_type, most - held.by_type.get(job_type, 0))
    return Gate(path, None, None, most - held.jobs)
