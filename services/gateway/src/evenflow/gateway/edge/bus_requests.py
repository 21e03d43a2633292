"""Requests on the bus: the same bodies and answers as REST, for programs that speak NATS (EVT-04).

The only module that knows FastStream. Garbage is answered with a problem, put aside and counted.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from faststream.nats import NatsBroker, NatsMessage

from evenflow.common.adapters.nats.connection import broker_errors
from evenflow.common.contracts.subjects import request_subject
from evenflow.common.domain.errors import (
    EvenflowError,
    RequestRejected,
    TemporarilyUnavailable,
    UnreadableMessage,
)
from evenflow.common.ports.log import Origin
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.metrics import Metrics
from evenflow.gateway.edge.budget import RequestBudget
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.edge.problems import BodyTooLarge, MalformedBody, body_of, problem_of

PutAside = Callable[[UnreadableMessage, bytes], Awaitable[Any]]
_QUEUE: Final = "gateway"
"""The queue group: of several gateways one answers."""
_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class BusRequest:
    """One request as a noun answers it."""

    body: bytes
    headers: Mapping[str, str]
    id: str
    principal: Principal

    @property
    def origin(self) -> Origin:
        """Who causes what comes of it."""
        return Origin(actor=self.principal.user, correlation_id=self.id)

    def within(self, limit: int) -> bytes:
        """Return the body; raises BodyTooLarge when it is longer than `limit` bytes."""
        if len(self.body) > limit:
            raise BodyTooLarge(limit)
        return self.body


Answerer = Callable[[BusRequest], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class BusRequests:
    """Answers `evenflow.v1.cmd.<shard>.<noun>.<verb>`.

    An answer is what REST would send, with `sequence` added; an error is the problem of REST. The
    headers `Authorization` and `Idempotency-Key` work as there.
    """

    broker: NatsBroker
    shard: str
    metrics: Metrics
    log: Logger
    put_aside: PutAside
    """Stores what nobody can read."""
    identify: Callable[[str | None], Awaitable[Principal]]
    """Tells who shows this `Authorization`; raises Unauthorized."""

    budget: RequestBudget
    """How many requests a user may send, here and by REST."""

    def answer(self, noun: str, verb: str, answerer: Answerer) -> None:
        """Let a noun answer one of its verbs."""
        subject = request_subject(self.shard, noun, verb)

        async def handle(message: NatsMessage) -> bytes:
            return await self._answered(subject, message, answerer)

        self.broker.subscriber(subject, _QUEUE, max_workers=_AT_ONCE)(handle)

    async def _answered(self, subject: str, message: NatsMessage, answerer: Answerer) -> bytes:
        outcome = "replied"
        try:
            body = json.dumps(await answerer(await self._request_of(message))).encode()
        except MalformedBody as error:
            outcome, body = "dead", body_of(problem_of(error)[0])
            await self._dead_letter(subject, message.body, str(error))
        except EvenflowError as error:
            is_rejection = isinstance(error, RequestRejected)
            outcome = "refused" if is_rejection else "failed"
            body = body_of(problem_of(error)[0])
            if not is_rejection:
                self.log.warning("request_failed", subject=subject, reason=str(error))
        except Exception as error:
            outcome, body = "failed", body_of(problem_of(EvenflowError("internal"))[0])
            self.log.exception("request_failed", subject=subject)
            await self._dead_letter(subject, message.body, repr(error))
        self.metrics.events_handled.labels(subject, outcome).inc()
        return body

    async def _request_of(self, message: NatsMessage) -> BusRequest:
        principal = await self.identify(message.headers.get("Authorization"))
        self.budget.take(principal)
        request_id = message.correlation_id or uuid4().hex
        return BusRequest(message.body, message.headers, request_id, principal)

    async def _dead_letter(self, subject: str, data: bytes, reason: str) -> None:
        try:
            await self.put_aside(UnreadableMessage(subject, reason), data)
        except EvenflowError as error:
            self.log.warning("dead_letter_lost", subject=subject, reason=str(error))


@asynccontextmanager
async def answering(broker: NatsBroker) -> AsyncIterator[None]:
    """Answer requests inside."""
    await broker.start()
    try:
        yield
    finally:
        # It cannot drain while the broker is away; nothing of ours is lost with it.
        with suppress(TemporarilyUnavailable), broker_errors("leaving the broker"):
            await broker.stop()
