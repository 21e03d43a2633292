"""A message that nobody can read stops a gateway; an admin lets all services pass over it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from evenflow.common.contracts import codec
from evenflow.common.domain.facts.log import Skipped

SUBJECT = "evenflow.v1.main.jobs.submitted"
GARBAGE = [
    b"not json",
    b"\xff\xfe",
    b'{"type":"io.nats.jetstream.api.v1.account_info_response"}',
    b"[" * 100_000,
    b'{"event_id":"e","occurred_at":1,"shard":"main","actor":"x","fact":{"jobs":[{"id":1}]}}',
]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def quarantine(harness: Any, sequence: int, reason: str = "put there by hand") -> Any:
    body = {"sequence": sequence, "reason": reason}
    return await harness.client.post("/api/v1/log/quarantine", json=body)


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
async def test_waits_at_what_it_cannot_read_and_goes_on_when_told(
    harness: Any, data: bytes
) -> None:
    before = await harness.submit()
    bad = await harness.log.put_raw(SUBJECT, data)
    await until(harness.gateway.standstill)

    ready = await harness.client.get("/readyz")
    assert ready.status_code == 503
    told = ready.json()["reasons"]["reading"]
    assert f"sequence {bad}" in told
    assert SUBJECT in told
    assert f"evenflow log quarantine {bad} --reason" in told
    refused = await harness.client.post("/api/v1/jobs", json={"name": "j"})
    assert refused.status_code == 503
    assert f"sequence {bad}" in refused.json()["detail"]
    assert (await harness.get(f"/api/v1/jobs/{before}"))["id"] == before  # reads go on

    answer = await quarantine(harness, bad)
    assert answer.status_code == 200, answer.text
    await until(lambda: not harness.gateway.standstill())
    await harness.follower.reach(answer.json()["said_at"])
    assert (await harness.client.get("/readyz")).json()["reasons"].keys() == {"starting"}
    assert await harness.submit()
    [(error, kept)] = harness.bus.dead
    assert kept == data
    assert error.subject == SUBJECT
    said = harness.log.messages[answer.json()["said_at"] - 1]
    fact = codec.decode(said.subject, said.data).fact
    assert isinstance(fact, Skipped)
    assert (fact.skips[0].first, fact.skips[0].last) == (bad, bad)
    assert fact.skips[0].reason.startswith("put there by hand: ")

    again = await quarantine(harness, bad)
    assert again.status_code == 409


async def test_what_can_be_read_is_not_passed_over(harness: Any) -> None:
    await harness.submit()
    answer = await quarantine(harness, harness.log.last)
    assert answer.status_code == 409
    assert "can be read" in answer.json()["detail"]


async def test_what_is_not_there_is_not_passed_over(harness: Any) -> None:
    assert (await quarantine(harness, 10_000)).status_code == 404
    assert (await quarantine(harness, 0)).status_code == 422


async def test_a_needed_kind_of_a_newer_release_is_not_passed_over(harness: Any) -> None:
    data = b'{"event_id":"e","occurred_at":1,"shard":"main","actor":"x","release":"9.1","fact":{}}'
    bad = await harness.log.put_raw("evenflow.v1.main.things.invented", data)
    await until(harness.gateway.standstill)
    told = (await harness.client.get("/readyz")).json()["reasons"]["reading"]
    assert "update to release 9.1 or newer" in told
    answer = await quarantine(harness, bad)
    assert answer.status_code == 409
    assert "release 9.1" in answer.json()["detail"]


async def test_an_optional_kind_of_a_newer_release_is_passed_over(harness: Any) -> None:
    data = (
        b'{"event_id":"e","occurred_at":1,"shard":"main","actor":"x","optional":true,'
        b'"fact":{"a":1}}'
    )
    sequence = await harness.log.put_raw("evenflow.v1.main.things.invented", data)
    await harness.follower.reach(sequence)
    assert await harness.submit()
    metrics = (await harness.client.get("/metrics")).text
    labels = 'outcome="unknown",subject="evenflow.v1.main.things.invented"'
    assert f"evenflow_events_handled_total{{{labels}}} 1.0" in metrics
