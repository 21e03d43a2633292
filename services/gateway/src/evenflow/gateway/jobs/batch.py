"""Many submissions at once: each on its own, or all or none. The answers are those of REST."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from typing_extensions import TypedDict

from evenflow.common.domain.errors import EvenflowError, InvalidValue, RequestRejected
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.ports.log import Origin
from evenflow.gateway.edge.bodies import parse
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.edge.problems import InvalidRequest, MalformedBody, Problem, problem_of
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.bodies import Batch, BatchShape
from evenflow.gateway.jobs.commands import JobCommands
from evenflow.gateway.jobs.rules.feasibility import warnings_for
from evenflow.gateway.jobs.rules.fields import Submission
from evenflow.gateway.jobs.rules.pieces import (
    BYTES_A_FACT,
    RECORDS_A_FACT,
    pieces,
    total_weight,
)
from evenflow.gateway.view.rows import constraints_json, groups_json

_BREATH: Final = 250  # jobs judged between two looks at anything else


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


async def submit_batch(
    gateway: Gateway, body: bytes, principal: Principal, request_id: str
) -> tuple[int, BatchDocument]:
    """Put many submissions into the log, each on its own, or all or none when `atomic`.

    Raises:
        RequestRejected: the batch itself is malformed, or atomic and any of its jobs breaks a rule.
        TemporarilyUnavailable: nothing could be appended.
    """
    asked, is_atomic = await _read_batch(body)
    commands = gateway.part(JobCommands)
    judge = commands.judge(principal)
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
    origin = Origin(actor=principal.user, correlation_id=request_id)
    await commands.make_queues(judge, origin)
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
    cut = _cut(good, is_atomic=is_atomic)
    done = await asyncio.gather(
        *(gateway.writer.append(jobs.Submitted(tuple(specs)), origin) for _, specs in cut),
        return_exceptions=True,
    )
    sequences = [result for result in done if isinstance(result, int)]
    for (indices, _), result in zip(cut, done, strict=True):
        if isinstance(result, BaseException):
            if not isinstance(result, EvenflowError) or not sequences:
                raise result
            for index in indices:
                entries[index] = BatchEntry(error=problem_of(result)[0])
    return max(sequences, default=0)


def _cut(
    good: list[tuple[int, list[JobSpec]]], *, is_atomic: bool
) -> list[tuple[list[int], Sequence[JobSpec]]]:
    """Cut into facts by number and by weight; what is atomic is one fact or refused."""
    if is_atomic:
        indices = [index for index, _ in good]
        together = [spec for _, specs in good for spec in specs]
        if (total := total_weight(together)) > BYTES_A_FACT:
            rule = (
                f"is about {total} bytes; a batch that is atomic may be {BYTES_A_FACT}: send "
                "several, or one that is not atomic"
            )
            raise InvalidRequest([InvalidValue("jobs", f"{len(together)} jobs", rule)])
        return [(indices, together)] if together else []
    cut: list[tuple[list[int], Sequence[JobSpec]]] = []
    waiting: list[int] = []
    held: list[JobSpec] = []
    weight = 0

    def close() -> None:
        nonlocal weight
        if held:
            cut.append((waiting.copy(), tuple(held)))
        waiting.clear()
        held.clear()
        weight = 0

    for index, specs in good:
        more = total_weight(specs)
        if len(held) + len(specs) > RECORDS_A_FACT or weight + more > BYTES_A_FACT:
            close()
        if len(specs) > RECORDS_A_FACT or more > BYTES_A_FACT:  # an array of its own
            cut.extend(([index], piece) for piece in pieces(specs))
            continue
        waiting.append(index)
        held.extend(specs)
        weight += more
    close()
    return cut


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


def _at(index: int, rule: RequestRejected) -> RequestRejected:
    placed = InvalidValue(f"jobs.{index}.{rule.field or 'body'}", rule.value, rule.rule)
    placed.status, placed.code = rule.status, rule.code  # what may not be stays a 403
    return placed
