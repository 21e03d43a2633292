"""Requests on the bus: the same bodies and answers as REST, for programs that speak NATS (EVT-04).

The only module that knows FastStream. Garbage is answered with a problem, put aside and counted.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

from faststream.nats import NatsBroker, NatsMessage

from evenflow.common.contracts.subjects import request_subject
from evenflow.common.domain.errors import (
    EvenflowError,
    InvalidValue,
    RequestRejected,
    UnreadableMessage,
)
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.common.ports.log import Origin
from evenflow.gateway.edge.bodies import parse
from evenflow.gateway.edge.problems import BodyTooLarge, MalformedBody, body_of, problem_of
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.batch import submit, submit_batch
from evenflow.gateway.jobs.bodies import CancelBody
from evenflow.gateway.jobs.documents import job_document
from evenflow.gateway.jobs.lookup import row_of
from evenflow.gateway.jobs.rules.submission import ANONYMOUS

PutAside = Callable[[UnreadableMessage, bytes], Awaitable[Any]]
_QUEUE: Final = "gateway"
"""The queue group: of several gateways one answers."""
_AT_ONCE: Final = 64


class RequestDesk:
    """Answers `evenflow.v1.cmd.<shard>.jobs.{submit,submit-batch,cancel}`.

    An answer is what REST would send, with `sequence` added; an error is the problem of REST. The
    header `Idempotency-Key` works as there.
    """

    def __init__(self, broker: NatsBroker, gateway: Gateway, put_aside: PutAside) -> None:
        """`put_aside` stores what nobody can read."""
        self._gateway = gateway
        self._put_aside = put_aside
        shard = gateway.settings.shard.name
        for verb, answer in (
            ("submit", self._submit),
            ("submit-batch", self._submit_batch),
            ("cancel", self._cancel),
        ):
            subject = request_subject(shard, "jobs", verb)
            subscriber = broker.subscriber(subject, _QUEUE, max_workers=_AT_ONCE)
            subscriber(self._handler(subject, answer))

    def _handler(
        self, subject: str, answer: Callable[[NatsMessage], Awaitable[dict[str, Any]]]
    ) -> Callable[[NatsMessage], Awaitable[bytes]]:
        async def handle(message: NatsMessage) -> bytes:
            return await self._answered(subject, message, answer)

        return handle

    async def _answered(
        self,
        subject: str,
        message: NatsMessage,
        answer: Callable[[NatsMessage], Awaitable[dict[str, Any]]],
    ) -> bytes:
        outcome = "replied"
        try:
            body = json.dumps(await answer(message)).encode()
        except MalformedBody as error:
            outcome, body = "dead", body_of(problem_of(error)[0])
            await self._bury(subject, message.body, str(error))
        except EvenflowError as error:
            is_rejection = isinstance(error, RequestRejected)
            outcome = "refused" if is_rejection else "failed"
            body = body_of(problem_of(error)[0])
            if not is_rejection:
                self._gateway.log.warning("request_failed", subject=subject, reason=str(error))
        except Exception as error:
            outcome, body = "failed", body_of(problem_of(EvenflowError("internal"))[0])
            self._gateway.log.exception("request_failed", subject=subject)
            await self._bury(subject, message.body, repr(error))
        self._gateway.metrics.events_handled.labels(subject, outcome).inc()
        return body

    async def _bury(self, subject: str, data: bytes, reason: str) -> None:
        try:
            await self._put_aside(UnreadableMessage(subject, reason), data)
        except EvenflowError as error:
            self._gateway.log.warning("dead_letter_lost", subject=subject, reason=str(error))

    async def _submit(self, message: NatsMessage) -> dict[str, Any]:
        body = self._limited(message.body, self._gateway.settings.gateway.max_body)
        key = message.headers.get("Idempotency-Key")
        sequence, answer = await submit(self._gateway, body, _request_id(message), key)
        return {**answer, "sequence": sequence}

    async def _submit_batch(self, message: NatsMessage) -> dict[str, Any]:
        body = self._limited(message.body, self._gateway.settings.gateway.max_batch_body)
        sequence, answer = await submit_batch(self._gateway, body, _request_id(message))
        return {**answer, "sequence": sequence}

    async def _cancel(self, message: NatsMessage) -> dict[str, Any]:
        gateway = self._gateway
        asked = parse(CancelBody, self._limited(message.body, gateway.settings.gateway.max_body))
        if asked.job_id is None:
            raise InvalidValue("job_id", None, "is required")
        await gateway.gate.wait()
        row = await row_of(gateway, asked.job_id)
        if row["state"] in TERMINAL:
            raise RequestRejected(f"job {row['id']} has ended ({row['state']})", field="job_id")
        user = asked.user_id or ANONYMOUS
        origin = Origin(actor=user, correlation_id=_request_id(message))
        sequence = await gateway.commands.cancel([row["id"]], user, origin)
        await gateway.gate.reach(sequence)
        return {**job_document(await row_of(gateway, row["id"])), "sequence": sequence}

    @staticmethod
    def _limited(body: bytes, limit: int) -> bytes:
        if len(body) > limit:
            raise BodyTooLarge(limit)
        return body


def _request_id(message: NatsMessage) -> str:
    return message.correlation_id or uuid4().hex
