"""The world without some jobs: would another one fit then, and pass its gates."""

from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.placement.live_jobs import Tasks
from evenflow.policy_engine.core.waiting.job_class import JobClass

if TYPE_CHECKING:
    from evenflow.policy_engine.core.session.session import Session


class Beneficiary(NamedTuple):
    """A job that waits and may get room by stopping others."""

    leaf: str
    job: Job
    job_class: JobClass

    @property
    def shape(self) -> Shape:
        """What it asks for."""
        return self.job_class.key.shape


class Trial:
    """Inside of `with`, whoever stops already is gone, and what is claimed is held by who waits.

    So room to come counts, and nobody is stopped twice for the same job. What queues hold is told
    by the state's commitments meanwhile. Afterwards all is as it was.
    """

    def __init__(self, session: "Session", beneficiary: Beneficiary) -> None:
        """Nobody is removed yet."""
        self.beneficiary: Final = beneficiary
        self.tasks: Tasks = ()  # where it went when it last fitted
        self.removed: Final[dict[str, Job]] = {}
        self._session: Final = session
        self._state: Final = session.state
        self._what_if: Final = session.state.rooms.what_if()
        self._changed: Final[dict[str, None]] = {}
        self._evicted: Final = dict.fromkeys(each.job_id for each in session.evictions)

    def __enter__(self) -> Self:
        """Let what is decided already come true."""
        state = self._state
        jobs, commitments = state.shard.jobs, state.commitments
        for job_id in state.contention.preemptible.stopping:
            job = jobs[job_id]
            self._what_if.remove(job_id, state.rooms.shape_of(job.spec), job.placement)
            self._changed[job_id] = None
            commitments.remove(job_id)
        for job_id, claim in state.shard.claims.items():
            if not commitments.has(job_id):
                spec = jobs[job_id].spec
                whole = whole_request(spec, len(claim.tasks))
                self._changed[job_id] = None
                commitments.add(job_id, spec.queue, whole, spec.job_type)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put everything back."""
        self._what_if.close()
        for job_id in (*self._changed, *self.removed):
            self._state.commitments.forget(job_id)

    def may_stop(self, job: Job) -> bool:
        """Whether a job that runs holds something that may help, and was not removed or stopped."""
        job_id = job.spec.id
        return (
            job_id not in self.removed
            and job_id not in self._evicted
            and job.spec.executor == self.beneficiary.job.spec.executor
            and self._what_if.helps(self.beneficiary.shape, job.placement)
        )

    def remove(self, job: Job) -> None:
        """Let a job be gone."""
        job_id = job.spec.id
        self.removed[job_id] = job
        self._what_if.remove(job_id, self._state.rooms.shape_of(job.spec), job.placement)
        self._state.commitments.remove(job_id)

    def restore(self, job: Job) -> None:
        """Let a job run again that was removed."""
        job_id = job.spec.id
        del self.removed[job_id]
        self._what_if.restore(job_id)
        self._state.commitments.forget(job_id)

    def succeeds(self) -> bool:
        """Whether the beneficiary starts if those that are removed are gone."""
        self._state.effort.rooms_probed += 1
        tasks = self._what_if.place(self.beneficiary.shape)
        others_fit = tasks is not None and self._others_fit()
        self._what_if.unplace()
        if tasks is None or not others_fit or not self._passes_gates():
            return False
        self.tasks = tasks[: self.beneficiary.job.spec.least_tasks]
        return True

    def _others_fit(self) -> bool:
        """Whether all others that have to fit do so, beside the beneficiary that is placed."""
        return True

    def _passes_gates(self) -> bool:
        job_class, spec = self.beneficiary.job_class, self.beneficiary.job.spec
        scope = job_class.key.scope
        return not scope or self._session.gates.judge(scope, job_class.whole, spec.job_type) is None


class ConsolidationTrial(Trial):
    """As `Trial`, where whoever is removed has to fit elsewhere at once."""

    def __init__(self, session: "Session", beneficiary: Beneficiary) -> None:
        """Nobody is removed yet."""
        super().__init__(session, beneficiary)
        self.moves: dict[str, Tasks] = {}  # where those that were removed went

    def _others_fit(self) -> bool:
        moves: dict[str, Tasks] = {}
        for job_id, job in sorted(self.removed.items()):
            tasks = self._what_if.place(self._state.rooms.shape_of(job.spec))
            if tasks is None or len(tasks) < len(job.placement):
                return False
            moves[job_id] = tasks[: len(job.placement)]
        self.moves = moves
        return True
