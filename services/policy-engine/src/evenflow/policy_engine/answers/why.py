"""Answer why jobs wait. Only the engine that leads listens, so an answer has authority."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import isfinite
from typing import Any, Final

from faststream.nats import NatsBroker, NatsMessage
from pydantic import ValidationError

from evenflow.common.adapters.nats.connection import broker_errors
from evenflow.common.contracts.explanation import (
    MAX_QUESTION_BYTES,
    ExplainAnswer,
    ExplainQuestion,
    ExplanationAnswer,
    explain_subject,
)
from evenflow.common.domain.errors import EvenflowError, InvalidValue, TemporarilyUnavailable
from evenflow.common.runtime.edge_broker import edge_broker
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.policy_engine.core.explain.explanation import Explanation

Explain = Callable[[str], Awaitable[Explanation | None]]
_AT_ONCE: Final = 4  # questions that wait for their turn between folding and cycles
_HEARD_AT_ONCE: Final = 64  # of which all others are told at once that it is busy
_SHOWN: Final = 60  # characters of what cannot be read


class ExplainDesk:
    """Listens for questions while `answering`."""

    def __init__(self, broker: NatsBroker, ctx: ServiceContext) -> None:
        """Nobody listens yet."""
        self._ctx = ctx
        self._subject = explain_subject(ctx.settings.shard.name)
        self._explain: Explain | None = None
        self._under_way = 0
        self._subscriber = broker.subscriber(self._subject, max_workers=_HEARD_AT_ONCE)
        self._subscriber(self._on_asked)

    @asynccontextmanager
    async def answering(self, explain: Explain) -> AsyncIterator[None]:
        """Answer by `explain` meanwhile. Deciding goes on if the broker will not listen."""
        self._explain = explain
        try:
            with broker_errors("listening for questions"):
                await self._subscriber.start()
        except TemporarilyUnavailable as error:
            self._ctx.log.warning("explaining_unavailable", reason=str(error))
        try:
            yield
        finally:
            self._explain = None
            try:
                with broker_errors("listening no more"):
                    await self._subscriber.stop()
            except TemporarilyUnavailable as error:
                self._ctx.log.warning("explaining_not_left", reason=str(error))

    async def _on_asked(self, message: NatsMessage) -> bytes:
        answer = await self._answer(message.body)
        outcome = "refused" if answer.error else "replied"
        self._ctx.metrics.events_handled.labels(self._subject, outcome).inc()
        return answer.model_dump_json().encode()

    async def _answer(self, body: bytes) -> ExplainAnswer:
        explain = self._explain
        if explain is None:
            return ExplainAnswer(
                is_leader=False, error="this engine does not lead any more", code="unavailable"
            )
        try:
            asked = _question(body)
            found = await self._found(explain, asked.job_id)
        except InvalidValue as error:
            return ExplainAnswer(error=str(error), code="invalid_value")
        except EvenflowError as error:
            return ExplainAnswer(error=str(error), code="unavailable")
        except Exception as error:  # asking must never stop deciding
            self._ctx.log.exception("explaining_failed", job_id=asked.job_id)
            return ExplainAnswer(error=f"cannot be explained: {error!r}", code="internal")
        if found is None:
            return ExplainAnswer(
                error=f"job {asked.job_id} is not known, or has ended", code="not_found"
            )
        return ExplainAnswer(explanation=_answer_of(found))

    async def _found(self, explain: Explain, job_id: str) -> Explanation | None:
        if self._under_way >= _AT_ONCE:
            # Whoever asks falls back; on a large cluster an answer costs as much as many cycles.
            raise TemporarilyUnavailable("the engine is busy with other questions")
        self._under_way += 1
        try:
            return await explain(job_id)
        finally:
            self._under_way -= 1


@asynccontextmanager
async def edge(settings: Settings) -> AsyncIterator[NatsBroker]:
    """Open the connection for questions. Apart from the log's: neither holds up the other."""
    broker = edge_broker(settings.nats, "policy-engine-edge")
    await broker.connect()
    try:
        yield broker
    finally:
        await broker.stop()


def _question(body: bytes) -> ExplainQuestion:
    if len(body) > MAX_QUESTION_BYTES:
        raise InvalidValue("question", f"{len(body)} bytes", f"is over {MAX_QUESTION_BYTES} bytes")
    try:
        return ExplainQuestion.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "question"
        shown = repr(problem["input"])[:_SHOWN]
        raise InvalidValue(place, shown, problem["msg"]) from error


def _answer_of(explanation: Explanation) -> ExplanationAnswer:
    return ExplanationAnswer.model_validate(_plain(explanation))


def _plain(value: Any) -> Any:
    """Return dataclasses as dicts; what JSON has no number for is absent."""
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
