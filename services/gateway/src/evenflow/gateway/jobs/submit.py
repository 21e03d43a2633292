"""One submission from any edge, and once per key. The answers are those of REST."""

from collections.abc import Sequence
from typing import Any, NotRequired

from typing_extensions import TypedDict

from evenflow.common.domain.errors import Conflict
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.ports.log import Origin
from evenflow.gateway.edge.bodies import parse
from evenflow.gateway.edge.idempotency import HEADER, IdempotencyKeys
from evenflow.gateway.edge.permits import sees
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.commands import JobCommands
from evenflow.gateway.jobs.documents import JobDocument, job_document
from evenflow.gateway.jobs.rules.feasibility import warnings_for
from evenflow.gateway.jobs.rules.fields import Submission
from evenflow.gateway.view.reads import Row


class ArrayElement(TypedDict):
    """One job of an array."""

    id: str
    array_index: int | None


class ArrayDocument(TypedDict):
    """What a submission with `array` made: jobs of their own with one `array_id`."""

    array_id: str | None
    jobs: list[ArrayElement]
    warnings: NotRequired[list[str]]


Answer = JobDocument | ArrayDocument


async def submit(
    gateway: Gateway,
    body: bytes,
    principal: Principal,
    request_id: str,
    key: str | None = None,
) -> tuple[int, Answer]:
    """Put one submission into the log; return its sequence (0: it was there before) and the answer.

    Raises:
        RequestRejected: with every broken rule.
        TemporarilyUnavailable: the bus is away, or the log is full.
    """
    asked = parse(Submission, body)
    origin = Origin(actor=principal.user, correlation_id=request_id)
    commands = gateway.part(JobCommands)
    if key is None:
        prepared = commands.prepare(asked, principal)
        sequence = await commands.append(prepared, origin)
        return sequence, _answer(gateway, prepared.specs)
    keys = gateway.part(IdempotencyKeys)
    async with keys.holding(key, principal.user) as key:  # noqa: PLR1704 - as it is kept
        known = await keys.known(key, body)
        if known is not None:
            await gateway.consistency.wait()
            row = await gateway.reads.job(known["ids"][-1])
            if row is not None:
                _refuse_hidden(principal, row)
                return 0, _known_answer(known["array_id"], known["jobs"], job_document(row))
        prepared = commands.prepare(asked, principal, known["ids"] if known else None)
        if known is None:
            first = prepared.specs[0]
            kept = {
                "ids": prepared.ids,
                "array_id": first.array_id,
                "jobs": [[spec.id, spec.array_index] for spec in prepared.specs],
            }
            await keys.keep(key, body, kept)
        sequence = await commands.append(prepared, origin)
        return sequence, _answer(gateway, prepared.specs)


def _refuse_hidden(principal: Principal, row: Row) -> None:
    """Refuse a key under which the same user, with other roles, submitted where this one sees not.

    Raises:
        Conflict: as for a key that came with another body.
    """
    if not sees(principal, row["queue"]):
        raise Conflict(f"{HEADER}: this key was used with another body before; take a new key")


def _answer(gateway: Gateway, specs: Sequence[JobSpec]) -> Answer:
    warnings = list(warnings_for(gateway.state(), specs[0]))
    answer: Answer
    if specs[0].array_id is None:
        answer = gateway.part(JobCommands).document(specs[0])
    else:
        elements = [ArrayElement(id=spec.id, array_index=spec.array_index) for spec in specs]
        answer = ArrayDocument(array_id=specs[0].array_id, jobs=elements)
    if warnings:
        answer["warnings"] = warnings
    return answer


def _known_answer(array_id: str | None, kept: list[Any], last: JobDocument) -> Answer:
    if array_id is None:
        return last
    elements = [ArrayElement(id=job_id, array_index=index) for job_id, index in kept]
    return ArrayDocument(array_id=array_id, jobs=elements)
