"""What was asked of the cluster and what it said, run by run: each is asked once and told once.

A run is here until both sides are done with it: the log holds its end, and the cluster has said
that nothing of it is alive. The acknowledgement of a report is not enough to drop an entry: until
our own fold has seen that report, the job still looks placed, and would be started again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from evenflow.binder.core.desired import Command, Start, Stop, Task
from evenflow.binder.core.reports import Step
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome

LONGEST_MESSAGE: Final = 1_000  # characters; a report shares its message with 499 others
# The fold allows these only after a start, so their report must name one.
_NEEDS_START: Final = frozenset({Outcome.SUCCEEDED, Outcome.TIMEOUT})


class End(NamedTuple):
    """How a run ended, as the cluster says it. `started_at` is absent when it never started."""

    at: Instant
    outcome: Outcome
    exit_code: int | None = None
    message: str = ""
    retryable: bool = False
    started_at: Instant | None = None
    node_fault: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why we no longer try to start a run, and whether another attempt may help."""

    message: str
    retryable: bool


@dataclass(slots=True)
class Run:
    """One entry of the table."""

    token: str
    job_id: str
    attempt: int
    index: int
    most_tasks: int  # that its job may ever have: a report of fewer names them
    placed_at: Instant
    decided: int  # log sequence of the decision, or one below which it is not
    phase: TaskPhase  # the furthest that was told to the log, or that the log told
    started_at: Instant | None = None
    is_start_requested: bool = False  # its start was asked for, here or by whoever acted before
    stop: Outcome | None = None  # its stop was asked for
    refusal: Refusal | None = None
    is_gone: bool = False  # the cluster said that it is over
    is_concluded: bool = False  # the log is done with it
    is_reported: bool = False  # what was told last is in the log

    @property
    def is_settled(self) -> bool:
        """Whether the log holds everything that the decision asked for."""
        if self.is_concluded or (self.phase is TaskPhase.ENDED and self.is_reported):
            return True
        return self.stop is None and self.phase is TaskPhase.RUNNING and self.is_reported


class RunTable:
    """The table. Reads no clock; whoever calls says when."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._runs: dict[str, Run] = {}
        self._by_job: dict[str, dict[str, Run]] = {}

    def __contains__(self, token: object) -> bool:
        """Whether the run is still of interest."""
        return token in self._runs

    def __len__(self) -> int:
        """How many runs are of interest."""
        return len(self._runs)

    def get(self, token: str) -> Run | None:
        """Return the entry of a run."""
        return self._runs.get(token)

    @property
    def alive(self) -> int:
        """How many runs may be alive on the cluster."""
        return sum(run.is_start_requested and not run.is_gone for run in self._runs.values())

    def oldest_unsettled(self) -> int | None:
        """Return the lowest decision that is not fully reported; None when all are."""
        return min((run.decided for run in self._runs.values() if not run.is_settled), default=None)

    def adopt(self, tasks: Iterable[Task], decided: int) -> None:
        """Take over what whoever acted before may have started. Asks for nothing."""
        for task in tasks:
            run = self._enter(task, decided)
            run.is_start_requested = task.phase is not TaskPhase.PLACED
            run.is_reported = True

    def reconcile(
        self, job_id: str, tasks: Sequence[Task], stop: Outcome | None, decided: int
    ) -> list[Command]:
        """Compare a job with what was asked for it, and return what is missing.

        `tasks` are those that the log does not know ended, and `stop` how they shall end, if so.
        Runs of the job that are not among them are over for the log: what is left is stopped.
        """
        known = self._by_job.get(job_id)
        if not tasks and known is None:
            return []
        commands: list[Command] = []
        for task in tasks:
            run = self._runs.get(task.token) or self._enter(task, decided)
            if run.phase is TaskPhase.ENDED:
                continue  # told already; the log is about to say so
            if stop is not None:
                commands += self._stop(run, stop)
            elif not run.is_start_requested and run.phase is TaskPhase.PLACED and run.stop is None:
                run.is_start_requested = True
                commands.append(Start(task))
        wanted = {task.token for task in tasks}
        for run in [run for token, run in (known or {}).items() if token not in wanted]:
            run.is_concluded = True
            if run.is_gone:
                self._drop(run)
            else:
                commands += self._stop(run, Outcome.STOPPED)
        return commands

    def stop_all(self) -> Iterator[Stop]:
        """Stop every run that may be alive; those only placed stay so, for whoever acts next."""
        for run in self._runs.values():
            if run.is_start_requested and not run.is_gone:
                yield from self._stop(run, Outcome.STOPPED)

    def still_wants(self, command: Command) -> bool:
        """Whether a command that waited for its turn still makes sense.

        A start must not follow news of its run, which may have ended and been forgotten since.
        """
        run = self._runs.get(command.token)
        if run is None or run.is_gone:
            return False
        is_unheard = run.phase in (TaskPhase.PLACED, TaskPhase.STARTING)
        return isinstance(command, Stop) or (is_unheard and run.stop is None)

    def withdraw(self, token: str) -> None:
        """Take back a start that was asked for and never tried."""
        if (run := self._runs.get(token)) is not None:
            run.is_start_requested = False

    def give_up(self, token: str, refusal: Refusal) -> list[Stop]:
        """Try no more to start a run. Only its confirmed end says that it never started."""
        run = self._runs.get(token)
        if run is None or run.is_gone or run.stop is not None:
            return []
        run.refusal = refusal
        return self._stop(run, Outcome.STOPPED)

    def starting(self, token: str, at: Instant) -> Step | None:
        """The cluster accepted the run. Returns what to tell, if that is news."""
        run = self._runs.get(token)
        if run is None or run.phase is not TaskPhase.PLACED or run.is_concluded:
            return None
        return self._step(run, TaskPhase.STARTING, at)

    def started(self, token: str, at: Instant) -> Step | None:
        """The run runs since `at`. Returns what to tell, if that is news."""
        run = self._runs.get(token)
        if run is None:
            return None
        run.started_at = run.started_at or at
        run.is_start_requested = True
        if run.phase in (TaskPhase.RUNNING, TaskPhase.ENDED) or run.is_concluded:
            return None
        return self._step(run, TaskPhase.RUNNING, at)

    def ended(self, token: str, end: End) -> Step | None:
        """The run is over and nothing of it is alive. Returns what to tell, if that is news."""
        run = self._runs.get(token)
        if run is None:
            return None
        run.is_gone = True
        if run.is_concluded:
            self._drop(run)
            return None
        if run.phase is TaskPhase.ENDED:
            return None
        started_at = end.started_at or run.started_at
        if started_at is None and run.refusal is not None:
            end = end._replace(
                outcome=Outcome.REFUSED,
                message=run.refusal.message,
                retryable=run.refusal.retryable,
                node_fault=False,
            )
        if started_at is None and end.outcome in _NEEDS_START:
            started_at = end.at
        return self._step(run, TaskPhase.ENDED, end.at)._replace(
            outcome=end.outcome,
            exit_code=end.exit_code,
            message=end.message[:LONGEST_MESSAGE],
            retryable=end.retryable,
            started_at=started_at,
            node_fault=end.node_fault,
        )

    def forced(self, token: str, at: Instant, message: str) -> Step | None:
        """Let the log be done with a cancelled run whose cluster cannot be reached (JOB-09).

        It stays in the table, and its stop is asked for until the cluster confirms it. None when it
        may not be forced: an evicted run would get a next attempt beside a process that may live.
        """
        run = self._runs.get(token)
        if run is None or run.stop is not Outcome.CANCELLED or run.phase is TaskPhase.ENDED:
            return None
        if run.is_concluded:
            return None
        return self._step(run, TaskPhase.ENDED, at)._replace(
            outcome=Outcome.CANCELLED, message=message
        )

    def acknowledged(self, steps: Iterable[Step]) -> list[str]:
        """These steps are in the log. Returns the runs that the cluster may forget."""
        forgettable = []
        for step in steps:
            run = self._runs.get(step.token)
            if run is not None and run.phase is step.phase:
                run.is_reported = True
            if step.phase is TaskPhase.ENDED and (run is None or run.is_gone):
                forgettable.append(step.token)
        return forgettable

    def _enter(self, task: Task, decided: int) -> Run:
        run = Run(
            task.token,
            task.spec.id,
            task.attempt,
            task.index,
            task.spec.tasks,
            task.placed_at,
            decided,
            task.phase,
            task.started_at,
        )
        self._runs[task.token] = run
        self._by_job.setdefault(task.spec.id, {})[task.token] = run
        return run

    def _drop(self, run: Run) -> None:
        del self._runs[run.token]
        of_job = self._by_job[run.job_id]
        del of_job[run.token]
        if not of_job:
            del self._by_job[run.job_id]

    def _stop(self, run: Run, outcome: Outcome) -> list[Stop]:
        if run.stop is not None:
            return []
        run.stop = outcome
        return [Stop(run.token, outcome)]

    def _step(self, run: Run, phase: TaskPhase, at: Instant) -> Step:
        run.phase = phase
        run.is_reported = False
        return Step(run.token, run.job_id, run.attempt, run.index, run.most_tasks, phase, at)
