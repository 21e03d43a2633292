"""What binder and exporter need from a cluster: act on runs, observe nodes. Decides nothing."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.node import Node


@dataclass(frozen=True, slots=True)
class RunOrder:
    """One task of one attempt, complete enough to start it.

    `resources` are the task's own: cpu and gpu in thousandths, memory in bytes. `devices` are GPU
    indices on `node`; empty when the task asked for none.
    """

    token: str  # <job>-<task>-<attempt>, fits a DNS label
    job_id: str
    attempt: int
    task_index: int
    task_count: int  # tasks of the job that have a place when the order is made
    node: str
    resources: Mapping[str, int]
    config: Mapping[str, object]
    devices: tuple[int, ...] = ()
    array_index: int | None = None
    time_limit_us: int | None = None
    # When the log says that it started (shard clock); None: not that anybody knows.
    started_at: int | None = None
    task_group: str = ""  # its role in a gang of several; empty: all tasks are alike
    # Whose rights it has, where its cluster can change them; None: those of whoever starts it.
    account: str | None = None
    # project-id, queue-id, user-id, workload-id
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The task is running since `at` (shard clock); `external_id` is the cluster's name for it."""

    token: str
    at: int
    external_id: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The task is over and its process is gone. `started_at` is absent when it never started.

    A refusal is a `node_fault` when the machine can start nothing at all now: no process, no file.
    """

    token: str
    at: int
    outcome: Outcome
    exit_code: int | None = None
    message: str = ""
    retryable: bool = False
    started_at: int | None = None
    node_fault: bool = False


RunEvent = RunStarted | RunEnded


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """A piece of a run's output: `next_offset` is where to go on; `is_final`: it was the last."""

    data: bytes
    next_offset: int
    is_final: bool


class Executor(Protocol):
    """The *act* half. A method called again with the same token changes nothing."""

    @property
    def has_slow_start(self) -> bool:
        """Whether time may pass between accepting a run and its start: images, another's queue.

        False: an accepted run starts or ends at once, and that it was accepted need not be told.
        """

    async def open(self, orders: Sequence[RunOrder]) -> None:
        """Adopt those of `orders` that exist, without starting anything.

        Called once, before all else. An order with `started_at` of which the cluster knows
        nothing ends as lost; one without is left for `start`. Ends that the log has not seen are
        told again.
        """

    async def start(self, order: RunOrder) -> None:
        """Make the run exist once; adopt it when it already does. Its events arrive in `events()`.

        Raises:
            TemporarilyUnavailable: the cluster cannot be reached; nothing is known about the run.
        """

    async def stop(self, token: str, outcome: Outcome) -> None:
        """Ask the run to end with `outcome` (cancelled or stopped).

        A token never started ends at once, and can never start later.
        """

    async def forget(self, tokens: Sequence[str]) -> None:
        """The ends of these runs are in the log; bookkeeping may go, output has its retention."""

    def events(self) -> AsyncIterator[RunEvent]:
        """What happened to runs, in order per token; one reader. Ends when the executor is closed.

        A start may go untold when the end follows at once or nobody listened: `RunEnded.started_at`
        says it too. An end may be told again, after `open` or when asked to `start` or `stop` what
        is over, and then in the same words.
        """

    async def output(self, token: str, stream: str, offset: int, limit: int) -> OutputChunk:
        """At most `limit` bytes of `stream` ("stdout" or "stderr") from `offset`.

        Raises:
            UnknownRun: no output is kept for this token.
        """

    async def close(self) -> None:
        """Let go of the cluster; runs go on."""


class ClusterObserver(Protocol):
    """The *observe* half."""

    async def observe(self) -> tuple[Node, ...]:
        """All nodes of the cluster as they are now.

        Raises:
            TemporarilyUnavailable: the cluster cannot be seen.
        """
