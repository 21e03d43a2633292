"""What clients may do with jobs, the same for REST and for requests on the bus."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from evenflow.common.domain.facts import jobs
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.ports.log import Origin
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.edge.problems import InvalidRequest
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.accounts import account_chooser
from evenflow.gateway.jobs.documents import JobDocument, job_document
from evenflow.gateway.jobs.executors import config_checker
from evenflow.gateway.jobs.rules.fields import Submission
from evenflow.gateway.jobs.rules.pieces import pieces
from evenflow.gateway.jobs.rules.submission import Judge
from evenflow.gateway.queues.commands import QueueCommands
from evenflow.gateway.queues.rules.choice import QueueChooser
from evenflow.gateway.view.rows import fresh_row


@dataclass(slots=True)
class JobCommands:
    """Judges submissions, appends what they ask for, and takes jobs out of the view."""

    gateway: Gateway
    queues: QueueCommands
    remove: Callable[[str], Awaitable[None]]
    """Remove an ended job from the view."""

    def judge(self, principal: Principal, new_id: Callable[[], str] | None = None) -> Judge:
        """Return a judge for the submissions of one request; `new_id` makes the jobs' ids."""
        gateway = self.gateway
        now, executor = gateway.now(), gateway.settings.cluster_choice.kind
        chooser = QueueChooser(gateway.state(), now, gateway.new_id, principal)
        account_of = account_chooser(gateway, principal)
        return Judge(
            chooser,
            now,
            new_id or gateway.new_id,
            executor,
            account_of,
            check_config=config_checker(gateway),
        )

    def prepare(
        self, asked: Submission, principal: Principal, ids: Sequence[str] | None = None
    ) -> "PreparedJobs":
        """Judge a submission; `ids` are those that its jobs had when it was tried before.

        Raises:
            InvalidRequest: with every broken rule.
        """
        given = iter(ids or ())
        used: list[str] = []

        def next_id() -> str:
            used.append(next(given, None) or self.gateway.new_id())
            return used[-1]

        judge = self.judge(principal, next_id)
        specs, broken = judge.judge(asked)
        if broken:
            raise InvalidRequest(broken)
        return PreparedJobs(judge, specs, used)

    async def append(self, prepared: "PreparedJobs", origin: Origin) -> int:
        """Append judged jobs, and before them the queues they need; return the last sequence.

        Raises:
            TemporarilyUnavailable: the bus is away, or the log is full.
        """
        await self.make_queues(prepared.judge, origin)
        facts = [jobs.Submitted(piece) for piece in pieces(prepared.specs)]
        return await self.gateway.writer.append_all(facts, origin)

    async def make_queues(self, judge: Judge, origin: Origin) -> None:
        """Define the queues that judged submissions need and that do not exist yet."""
        for definitions in judge.queues.needed:
            async with self.gateway.writer.limited():
                await self.queues.make_missing(definitions, origin)

    async def cancel(self, job_ids: Sequence[str], user: str, origin: Origin) -> int:
        """Ask for jobs to end; whether they still can is for the fold to say."""
        requests = tuple(jobs.CancelRequest(job_id, user) for job_id in job_ids)
        return await self.gateway.writer.append(jobs.CancelRequested(requests), origin)

    def document(self, spec: JobSpec) -> JobDocument:
        """Return the document of a job that was appended just now."""
        queue = self.gateway.state().queues.get(spec.queue)
        return job_document(fresh_row(spec, queue.id if queue else None))


@dataclass(frozen=True, slots=True)
class PreparedJobs:
    """Jobs that may be appended. `ids` are all ids that were made for them, in order."""

    judge: Judge
    specs: list[JobSpec]
    ids: list[str]
