"""Questions about output, over real NATS: only who acts answers, and garbage is answered too."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats.errors
import pytest
from faststream.nats import NatsBroker

from evenflow.binder.handlers import OutputResponder
from evenflow.common.contracts.requests import MAX_OUTPUT_BYTES, OutputAnswer, output_subject
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.testing.fakes.executor import FakeCluster, FakeExecutor
from evenflow.common.testing.servers.nats import nats_server

pytestmark = pytest.mark.integration
RUN = "0190-0-1"
LONG = bytes(range(256)) * 4096  # 1 MiB


@asynccontextmanager
async def an_asked_binder() -> AsyncIterator[tuple[NatsBroker, OutputResponder, FakeExecutor]]:
    outputs = {(RUN, "stdout"): b"hello \xff world", (RUN, "stderr"): LONG}
    with nats_server() as server:
        broker = NatsBroker(server.url, logger=None)
        await broker.connect()
        metrics = Metrics(service="binder", shard="main", version="0")
        responder = OutputResponder(broker, "main", metrics)
        try:
            yield broker, responder, FakeExecutor(FakeCluster(), output=outputs)
        finally:
            await broker.stop()


async def ask(broker: NatsBroker, body: bytes) -> OutputAnswer:
    reply = await broker.request(body, output_subject("main"), timeout=5)
    return OutputAnswer.model_validate_json(reply.body)


def question(**fields: Any) -> bytes:
    return json.dumps({"token": RUN, "stream": "stdout"} | fields).encode()


async def test_output_is_read_piece_by_piece_until_it_is_final() -> None:
    async with an_asked_binder() as (broker, responder, executor):
        await responder.open(executor)
        first = await ask(broker, question(limit=7))
        rest = await ask(broker, question(offset=first.next_offset))
    assert (first.data, first.is_final) == (b"hello \xff", False)
    assert (rest.data, rest.is_final) == (b" world", True)


async def test_one_answer_is_never_larger_than_the_broker_takes() -> None:
    async with an_asked_binder() as (broker, responder, executor):
        await responder.open(executor)
        answer = await ask(broker, question(stream="stderr", limit=10**9))
    assert answer.data == LONG[:MAX_OUTPUT_BYTES]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        pytest.param(b"\x00garbage", "invalid_value", "JSON", id="no JSON"),
        pytest.param(b"{}", "invalid_value", "token", id="a missing field"),
        pytest.param(question(stream="both"), "invalid_value", "stream", id="a wrong value"),
        pytest.param(json.dumps({"token": "x"}).encode(), "not_found", "x", id="an unknown run"),
    ],
)
async def test_a_bad_question_is_answered_with_what_is_wrong(
    body: bytes, code: str, said: str
) -> None:
    async with an_asked_binder() as (broker, responder, executor):
        await responder.open(executor)
        answer = await ask(broker, body)
        again = await ask(broker, question())
    assert answer.code == code
    assert said in answer.error
    assert again.data


async def test_a_standby_does_not_answer() -> None:
    async with an_asked_binder() as (broker, responder, executor):
        with pytest.raises(nats.errors.NoRespondersError):
            await ask(broker, question())
        await responder.open(executor)
        assert (await ask(broker, question())).data
        await responder.close()
        with pytest.raises(nats.errors.NoRespondersError):
            await ask(broker, question())
        await responder.open(executor)
        assert (await ask(broker, question())).data


def test_bytes_travel_as_url_safe_base64() -> None:
    wire = json.loads(OutputAnswer(data=b"\xfb\xff").model_dump_json())
    assert base64.urlsafe_b64decode(wire["data"]) == b"\xfb\xff"
