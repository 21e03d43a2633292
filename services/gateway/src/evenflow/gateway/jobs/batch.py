"""Submissions from any edge: one, many, and once per key. The answers are those of REST."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, NotRequired

from typing_extensions import TypedDict

from evenflow.common.domain.errors import EvenflowError, InvalidValue, RequestRejected
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.jobs.job import JobSpec
from evenflow.common.ports.log import Origin
from evenflow.gateway.edge.bodies import parse
from evenflow.gateway.edge.problems import InvalidRequest, MalformedBody, Problem, problem_of
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.bodies import Batch, BatchShape
from evenflow.gateway.jobs.commands import RECORDS_A_FACT
from evenflow.gateway.jobs.documents import JobDocument, job_document
from evenflow.gateway.jobs.rules.feasibility import warnings_for
from evenflow.gateway.jobs.rules.submission import Submission
from evenflow.gateway.view.rows import constraints_json, groups_json

_BREATH: Final = 250  # jobs judged between two looks at anything else


class ArrayElement(TypedDict):
    """One job of an array."""

    id: str
    array_index: int | None


class ArrayDocument(TypedDict):
    """What a submission with `array` made: jobs of their own with one `array_id`."""

    array_id: str | None
    jobs: list[ArrayElement]
    warnings: NotRequired[list[str]]


class BatchEntry(TypedDict, total=False):
    """What became of one submission of a batch: `id`, or `array_id` and `ids`, or `error`."""

    id: str
    array_id: str | None
    ids: list[str]
    warnings: list[str]
    error: Problem


class BatchDocument(TypedDict):
    """What became of the submissions of a batch, in their order."""

    jobs: list[BatchEntry]


Answer = JobDocument | ArrayDocument


async def submit(
    gateway: Gateway, body: bytes, request_id: str, key: str | None = None
) -> tuple[int, Answer]:
    """Put one submission into the log; return its sequence (0: it was there before) and the answer.

    Raises:
        RequestRejected: with every broken rule.
        TemporarilyUnavailable: the bus is away, or the log is full.
    """
    asked = parse(Submission, body)
    origin = Origin(actor=asked.user_id or "gateway", correlation_id=request_id)
    if key is None:
        prepared = gateway.commands.prepare(asked)
        sequence = await gateway.commands.append_jobs(prepared, origin)
        return sequence, _answer(gateway, prepared.specs)
    async with gateway.keys.holding(key):
        known = await gateway.keys.known(key, body)
        if known is not None:
            await gateway.gate.wait()
            row = await gateway.reads.job(known["ids"][-1])
            if row is not None:
                return 0, _known_answer(known["array_id"], known["jobs"], job_document(row))
        prepared = gateway.commands.prepare(asked, known["ids"] if known else None)
        if known is None:
            first = prepared.specs[0]
            kept = {
                "ids": prepared.ids,
                "array_id": first.array_id,
                "jobs": [[spec.id, spec.array_index] for spec in prepared.specs],
            }
            await gateway.keys.keep(key, body, kept)
        sequence = await gateway.commands.append_jobs(prepared, origin)
        return sequence, _answer(gateway, prepared.specs)


def _answer(gateway: Gateway, specs: Sequence[JobSpec]) -> Answer:
    warnings = list(warnings_for(gateway.state(), specs[0]))
    answer: Answer
    if specs[0].array_id is None:
        answer = gateway.commands.document(specs[0])
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


async def submit_batch(gateway: Gateway, body: bytes, request_id: str) -> tuple[int, BatchDocument]:
    """Put many submissions into the log, each on its own, or all or none when `atomic`.

    Raises:
        RequestRejected: the batch itself is malformed, or atomic and any of its jobs breaks a rule.
        TemporarilyUnavailable: nothing could be appended.
    """
    asked, is_atomic = await _read_batch(body)
    judge = gateway.commands.judge()
    entries: list[BatchEntry] = []
    good: list[tuple[int, list[JobSpec]]] = []
    broken: list[RequestRejected] = []
    specs: list[JobSpec] = []
    for index, submission in enumerate(asked):
        if index % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
        if isinstance(submission, InvalidRequest):
            rules = list(submission.problems)
        else:
            specs, rules = judge.judge(submission)
        if rules:
            broken += [_at(index, rule) for rule in rules]
            entries.append(BatchEntry(error=problem_of(InvalidRequest(rules))[0]))
        else:
            good.append((index, specs))
            entries.append(_entry(specs))
    if is_atomic and broken:
        raise InvalidRequest(broken)
    origin = Origin(actor="gateway", correlation_id=request_id)
    await gateway.commands.make_queues(judge, origin)
    sequence = await _append(gateway, good, entries, origin, is_atomic=is_atomic)
    _warn(gateway, good, entries)
    return sequence, BatchDocument(jobs=entries)


async def _read_batch(body: bytes) -> tuple[list[Submission | InvalidRequest], bool]:
    try:
        batch = parse(Batch, body)
    except MalformedBody:
        raise
    except InvalidRequest:
        shape = parse(BatchShape, body)
    else:
        return list(batch.jobs), batch.atomic
    found: list[Submission | InvalidRequest] = []
    for index, job in enumerate(shape.jobs):
        if index % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
        try:
            found.append(parse(Submission, json.dumps(job).encode()))
        except InvalidRequest as error:
            found.append(error)
    return found, shape.atomic


async def _append(
    gateway: Gateway,
    good: list[tuple[int, list[JobSpec]]],
    entries: list[BatchEntry],
    origin: Origin,
    *,
    is_atomic: bool,
) -> int:
    """Append in facts of bounded size; when one is refused, its jobs say so."""
    pieces: list[tuple[list[int], list[JobSpec]]] = []
    for index, specs in good:
        if not pieces or (not is_atomic and len(pieces[-1][1]) + len(specs) > RECORDS_A_FACT):
            pieces.append(([], []))
        pieces[-1][0].append(index)
        pieces[-1][1].extend(specs)
    done = await asyncio.gather(
        *(gateway.commands.append(jobs.Submitted(tuple(specs)), origin) for _, specs in pieces),
        return_exceptions=True,
    )
    sequences = [result for result in done if isinstance(result, int)]
    for (indices, _), result in zip(pieces, done, strict=True):
        if isinstance(result, BaseException):
            if not isinstance(result, EvenflowError) or not sequences:
                raise result
            for index in indices:
                entries[index] = BatchEntry(error=problem_of(result)[0])
    return max(sequences, default=0)


def _entry(specs: list[JobSpec]) -> BatchEntry:
    if specs[0].array_id is None:
        return BatchEntry(id=specs[0].id)
    return BatchEntry(array_id=specs[0].array_id, ids=[spec.id for spec in specs])


def _warn(
    gateway: Gateway, good: list[tuple[int, list[JobSpec]]], entries: list[BatchEntry]
) -> None:
    """Add warnings; equal shapes are looked at once."""
    known: dict[object, list[str]] = {}
    for index, specs in good:
        first = specs[0]
        shape = (
            first.queue,
            first.executor,
            first.tasks,
            frozenset(first.resources.items()),
            groups_json(first.groups),
            constraints_json(first.constraints),
        )
        if shape not in known:
            known[shape] = list(warnings_for(gateway.state(), first))
        if known[shape] and "error" not in entries[index]:
            entries[index]["warnings"] = known[shape]


def _at(index: int, rule: RequestRejected) -> InvalidValue:
    return InvalidValue(f"jobs.{index}.{rule.field or 'body'}", rule.value, rule.rule)
