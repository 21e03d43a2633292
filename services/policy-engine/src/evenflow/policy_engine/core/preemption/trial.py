"""The world without some jobs: would another one fit then, and pass its gates."""

from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.placement.live_jobs import Tasks
from evenflow.policy_engine.core.waiting.job_classes import JobClass

if TYPE_CHECKING:
    from evenflow.policy_engine.core.session.session import Pass


class Candidate(NamedTuple):
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

    def __init__(self, work: "Pass", candidate: Candidate) -> None:
        """Nobody is lifted yet."""
        self.candidate: Final = candidate
        self.tasks: Tasks = ()  # where it went when it last fitted
        self.lifted: Final[dict[str, Job]] = {}
        self._work: Final = work
        self._state: Final = work.state
        self._probe: Final = work.state.rooms.probe()
        self._changed: Final[dict[str, None]] = {}
        self._evicted: Final = dict.fromkeys(each.job_id for each in work.evictions)

    def __enter__(self) -> Self:
        """Let what is decided already come true."""
        state = self._state
        jobs, commitments = state.shard.jobs, state.commitments
        for job_id in state.contest.running.stopping:
            job = jobs[job_id]
            self._probe.lift(job_id, state.rooms.shape_of(job.spec), job.placement)
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
        self._probe.close()
        for job_id in (*self._changed, *self.lifted):
            self._state.commitments.forget(job_id)

    def may_stop(self, job: Job) -> bool:
        """Whether a job that runs holds something that may help, and was not lifted or stopped."""
        job_id = job.spec.id
        return (
            job_id not in self.lifted
            and job_id not in self._evicted
            and job.spec.executor == self.candidate.job.spec.executor
            and self._probe.helps(self.candidate.shape, job.placement)
        )

    def lift(self, job: Job) -> None:
        """Let a job be gone."""
        job_id = job.spec.id
        self.lifted[job_id] = job
        self._probe.lift(job_id, self._state.rooms.shape_of(job.spec), job.placement)
        self._state.commitments.remove(job_id)

    def lower(self, job: Job) -> None:
        """Let a job run again that was lifted."""
        job_id = job.spec.id
        del self.lifted[job_id]
        self._probe.lower(job_id)
        self._state.commitments.forget(job_id)

    def works(self) -> bool:
        """Whether the candidate starts if those that are lifted are gone."""
        self._state.effort.rooms_probed += 1
        tasks = self._probe.place(self.candidate.shape)
        is_whole = tasks is not None and self._is_whole()
        self._probe.unplace()
        if tasks is None or not is_whole or not self._passes_gates():
            return False
        self.tasks = tasks[: self.candidate.job.spec.least_tasks]
        return True

    def _is_whole(self) -> bool:
        """Whether all others that have to fit do so, beside the candidate that is placed."""
        return True

    def _passes_gates(self) -> bool:
        job_class, spec = self.candidate.job_class, self.candidate.job.spec
        scope = job_class.key.scope
        return not scope or self._work.gates.judge(scope, job_class.whole, spec.job_type) is None


class MovingTrial(Trial):
    """As `Trial`, where whoever is lifted has to fit elsewhere at once."""

    def __init__(self, work: "Pass", candidate: Candidate) -> None:
        """Nobody is lifted yet."""
        super().__init__(work, candidate)
        self.moves: dict[str, Tasks] = {}  # where those that were lifted went

    def _is_whole(self) -> bool:
        moves: dict[str, Tasks] = {}
        for job_id, job in sorted(self.lifted.items()):
            tasks = self._probe.place(self._state.rooms.shape_of(job.spec))
            if tasks is None or len(tasks) < len(job.placement):
                return False
            moves[job_id] = tasks[: len(job.placement)]
        self.moves = moves
        return True
