"""What clients may do, the same for REST and for requests on the bus: check, append, answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.jobs.job import JobSpec
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import FactLog, Origin
from evenflow.gateway.edge.problems import InvalidRequest
from evenflow.gateway.edge.read_your_writes import ReadGate
from evenflow.gateway.jobs.documents import JobDocument, job_document
from evenflow.gateway.jobs.rules.submission import Judge, Submission
from evenflow.gateway.queues.commands import Definer, Plan
from evenflow.gateway.queues.rules.choice import QueueChooser
from evenflow.gateway.view.rows import fresh_row

APPEND_PATIENCE_SECONDS: Final = 5.0
RECORDS_A_FACT: Final = 500
"""What a batch is cut into: larger messages would pass the broker's limit."""


@dataclass(slots=True)
class Commands:
    """Everything that changes something."""

    state: Callable[[], ShardState]
    log: FactLog
    gate: ReadGate
    definer: Definer
    now: Callable[[], Instant]  # the shard's clock
    new_id: Callable[[], str]
    default_executor: str
    is_bus_connected: Callable[[], bool] = field(default=lambda: True)

    def judge(self, new_id: Callable[[], str] | None = None) -> Judge:
        """Return a judge for the submissions of one request; `new_id` makes the jobs' ids."""
        now = self.now()
        chooser = QueueChooser(self.state(), now, self.new_id)
        return Judge(chooser, now, new_id or self.new_id, self.default_executor)

    def prepare(self, asked: Submission, ids: Sequence[str] | None = None) -> "Prepared":
        """Judge a submission; `ids` are those that its jobs had when it was tried before.

        Raises:
            InvalidRequest: with every broken rule.
        """
        given = iter(ids or ())
        used: list[str] = []

        def next_id() -> str:
            used.append(next(given, None) or self.new_id())
            return used[-1]

        judge = self.judge(next_id)
        specs, broken = judge.judge(asked)
        if broken:
            raise InvalidRequest(broken)
        return Prepared(judge, specs, used)

    async def append_jobs(self, prepared: "Prepared", origin: Origin) -> int:
        """Append judged jobs, and before them the queues they need; return the last sequence.

        Raises:
            TemporarilyUnavailable: the bus is away, or the log is full.
        """
        await self.make_queues(prepared.judge, origin)
        specs = prepared.specs
        facts = [
            jobs.Submitted(tuple(specs[first : first + RECORDS_A_FACT]))
            for first in range(0, len(specs), RECORDS_A_FACT)
        ]
        async with self.bus():
            sequences = await asyncio.gather(*(self.log.append(fact, origin) for fact in facts))
        return self.gate.wrote(max(sequences))

    async def make_queues(self, judge: Judge, origin: Origin) -> None:
        """Define the queues that judged submissions need and that do not exist yet."""
        for definitions in judge.queues.needed:
            async with self.bus():
                await self.definer.make_missing(definitions, origin)

    async def append(self, fact: object, origin: Origin) -> int:
        """Append one fact; raises as `submit`."""
        async with self.bus():
            return self.gate.wrote(await self.log.append(fact, origin))

    async def cancel(self, job_ids: Sequence[str], user: str, origin: Origin) -> int:
        """Ask for jobs to end; whether they still can is for the fold to say."""
        requests = tuple(jobs.CancelRequest(job_id, user) for job_id in job_ids)
        return await self.append(jobs.CancelRequested(requests), origin)

    async def define(self, plan: Plan, origin: Origin) -> int:
        """Carry out a plan for queues and quotas; 0 when there was nothing to do. See `Definer`."""
        async with self.bus():
            return await self.definer.change(plan, origin)

    def document(self, spec: JobSpec) -> JobDocument:
        """Return the document of a job that was appended just now."""
        queue = self.state().queues.get(spec.queue)
        return job_document(fresh_row(spec, queue.id if queue else None))

    @asynccontextmanager
    async def bus(self) -> AsyncIterator[None]:
        """Append inside: fail soon when the bus is away, whatever the writer's own patience.

        Raises:
            TemporarilyUnavailable: nothing was sent, or nobody knows whether it was; it says which.
        """
        if not self.is_bus_connected():
            raise TemporarilyUnavailable("the bus is away; nothing was accepted, try again", 2)
        try:
            async with asyncio.timeout(APPEND_PATIENCE_SECONDS):
                yield
        except TimeoutError as error:
            raise TemporarilyUnavailable(
                "the bus did not answer; the request may have been accepted: repeat it with the "
                "same Idempotency-Key, or look before you repeat it",
                2,
            ) from error


@dataclass(frozen=True, slots=True)
class Prepared:
    """Jobs that may be appended. `ids` are all ids that were made for them, in order."""

    judge: Judge
    specs: list[JobSpec]
    ids: list[str]
