"""The engine as a process, on a real broker: whoever leads says why."""

import asyncio
import json

import nats.errors
import pytest

from evenflow.common.contracts.explanation import ExplainAnswer, explain_subject
from evenflow.common.domain.facts import cycle, jobs
from evenflow.common.testing.builders import a_spec
from tests.fleets.engine_process import Told, a_cluster, an_engine, told

pytestmark = pytest.mark.integration


async def test_the_leader_explains_jobs_and_goes_on_deciding(server):
    async with told(server) as listener:
        await a_cluster(listener)
        wide, waiting = (
            a_spec(i, resources={"cpu": 10_000_000}, time_limit_us=60_000_000) for i in (1, 2)
        )
        with an_engine(server):
            await listener.writer.append(jobs.Submitted((wide,)))
            await listener.until(listener.placed)
            await listener.writer.append(jobs.Submitted((waiting, a_spec(3))))
            last = a_spec(3).id
            await listener.until(lambda: is_told(listener, waiting.id))
            answer = await explained(listener, last)
            garbage = await explained(listener, "")
            unknown = await explained(listener, "nobody")
    found = answer.explanation
    assert found is not None
    assert answer.is_leader
    assert (found.place, found.ahead, found.policy) == (2, 1, "fifo")
    assert [(each.id, each.because.basis) for each in found.first] == [
        (waiting.id, "submitted earlier")
    ]
    assert [level.path for level in found.levels] == ["default", "default/default"]
    assert found.levels[0].held == {"cpu": 10_000_000}
    assert found.short is not None
    assert (found.short.resource, found.short.free) == ("cpu", 0)
    assert found.prediction is not None
    assert found.prediction.basis == "ends of running jobs by limit"
    assert (garbage.code, unknown.code) == ("invalid_value", "not_found")


def is_told(listener: Told, job_id: str) -> bool:
    changes = (change for fact in listener.facts(cycle.Decided) for change in fact.reasons)
    return any(change.job_id == job_id for change in changes)


async def explained(listener: Told, job_id: str) -> ExplainAnswer:
    """Ask until an engine leads."""
    body = json.dumps({"job_id": job_id}).encode()
    async with asyncio.timeout(15):
        while True:
            try:
                client = listener.log.connection.client
                reply = await client.request(explain_subject("main"), body, timeout=5)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.05)
            else:
                return ExplainAnswer.model_validate_json(reply.data)
