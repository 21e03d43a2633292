"""Who may go on elsewhere, so that a job fits which lacks room in one place only."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.policy_engine.core.preemption.trial import ConsolidationTrial

if TYPE_CHECKING:
    from evenflow.policy_engine.core.state.engine_state import EngineState


class ConsolidationVictims:
    """Preemptible jobs, node by node: those on the nodes with most free first, newest first."""

    def __init__(self, state: "EngineState", trial: ConsolidationTrial, latest: Instant) -> None:
        """Victims have run since `latest` at least."""
        self._trial: Final = trial
        self._jobs: Final = self._in_order(state, trial.beneficiary.job.spec.executor, latest)

    def next_victim(self) -> Job | None:
        """Return the next to move."""
        return next((job for job in self._jobs if self._trial.may_stop(job)), None)

    @staticmethod
    def _in_order(state: "EngineState", executor: str, latest: Instant) -> Iterator[Job]:
        rooms = sorted(
            state.rooms.rooms_of(executor), key=lambda room: (-room.gpu, -room.cpu, room.name)
        )
        preemptible, jobs = state.contention.preemptible, state.shard.jobs
        for room in rooms:
            here = [jobs[i] for i in state.live.on_node(room.name) if preemptible.has(i)]
            here.sort(key=lambda job: (-(job.started_at or 0), job.spec.id))
            yield from (job for job in here if (job.started_at or 0) <= latest)
