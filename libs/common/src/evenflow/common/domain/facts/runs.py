"""Facts about runs, as their cluster's binder reports them."""

from dataclasses import dataclass

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome


@dataclass(frozen=True, slots=True)
class RunReport:
    """Tasks of one attempt reached a phase. `tasks` None means all of them.

    With phase `ended`, `outcome` is given, and `started_at` when the task ever ran. A
    refusal is the `node_fault` of the node when no other job could have started there either.
    """

    job_id: str
    attempt: int
    phase: TaskPhase
    at: Instant
    tasks: tuple[int, ...] | None = None
    outcome: Outcome | None = None
    exit_code: int | None = None
    message: str = ""
    retryable: bool = False
    started_at: Instant | None = None
    node_fault: bool = False


@dataclass(frozen=True, slots=True)
class Reported:
    """Runs moved on."""

    runs: tuple[RunReport, ...]
