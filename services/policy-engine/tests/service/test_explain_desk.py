"""Questions to the engine, over real NATS: only who leads answers, and a crowd is sent away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
import pytest
import structlog
from faststream.nats import NatsBroker

from evenflow.common.contracts.explanation import ExplainAnswer, explain_subject
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.sections.stores import NatsSettings
from evenflow.common.testing.servers.nats import nats_server
from evenflow.policy_engine.answers.why import ExplainDesk, edge
from evenflow.policy_engine.core.explain.explanation import Explanation

pytestmark = pytest.mark.integration


@asynccontextmanager
async def a_desk() -> AsyncIterator[tuple[NatsBroker, ExplainDesk]]:
    with nats_server() as server:
        settings = Settings(nats=NatsSettings(url=server.url))
        ctx = ServiceContext(
            settings=settings,
            health=Health(service="policy-engine", shard="main", version="0"),
            metrics=Metrics(service="policy-engine", shard="main", version="0"),
            log=structlog.stdlib.get_logger("test"),
        )
        async with edge(settings) as broker:
            yield broker, ExplainDesk(broker, ctx)


async def ask(broker: NatsBroker, body: bytes) -> ExplainAnswer:
    reply = await broker.request(body, explain_subject("main"), timeout=5)
    return ExplainAnswer.model_validate_json(reply.body)


def question(job_id: str = "one") -> bytes:
    return json.dumps({"job_id": job_id}).encode()


async def an_answer(job_id: str) -> Explanation | None:
    if job_id == "broken":
        raise RuntimeError("broken")
    if job_id != "one":
        return None
    return Explanation(job_id, 1, "fifo", None, 1, 0, (), (), None, None)


async def test_only_who_leads_answers_and_may_lead_again():
    async with a_desk() as (broker, desk):
        for _ in range(2):
            with pytest.raises(nats.errors.NoRespondersError):
                await ask(broker, question())
            async with desk.answering(an_answer):
                answer = await ask(broker, question())
            assert answer.explanation is not None
            assert answer.explanation.place == 1


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        pytest.param(b"\x00garbage", "invalid_value", "JSON", id="no JSON"),
        pytest.param(b"{}", "invalid_value", "job_id", id="a missing field"),
        pytest.param(question("x" * 2000), "invalid_value", "over 1024", id="too long"),
        pytest.param(question("two"), "not_found", "two", id="an unknown job"),
        pytest.param(question("broken"), "internal", "broken", id="a failure of ours"),
    ],
)
async def test_what_cannot_be_answered_is_answered_with_the_reason(body, code, said):
    async with a_desk() as (broker, desk), desk.answering(an_answer):
        answer = await ask(broker, body)
        again = await ask(broker, question())
    assert answer.code == code
    assert said in answer.error
    assert again.explanation is not None


async def test_of_a_crowd_some_are_told_at_once_that_the_engine_is_busy():
    free = asyncio.Event()

    async def slow(job_id: str) -> Explanation | None:
        await free.wait()
        return await an_answer(job_id)

    async with a_desk() as (broker, desk), desk.answering(slow):
        asking = [asyncio.create_task(ask(broker, question())) for _ in range(10)]
        done, waiting = await asyncio.wait(asking, timeout=1)
        free.set()
        served = await asyncio.gather(*waiting)
    assert {task.result().code for task in done} == {"unavailable"}
    assert len(served) == 4
    assert all(answer.explanation is not None for answer in served)
