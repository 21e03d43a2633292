"""The usage in use over REST: what the engine says it reads, and what the log says is in it."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import select

from evenflow.common.contracts.usage_in_use import UsageInUse, usage_subject
from evenflow.common.domain.clock import DAY, HOUR, SECOND
from evenflow.common.domain.facts import clock
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage.snapshot import seal
from evenflow.common.runtime.settings import HistorySettings
from evenflow.gateway.view.usage.schema import usage_archive, usage_snapshots
from evenflow.gateway.view.usage.sweep import sweep_usage

T0 = 1_700_000_000_000_000
SUBJECT = usage_subject("main")


def columns(**names: float) -> dict[str, Any]:
    return {
        "names": list(names),
        "raw_hours": {"gpu": [10 * each for each in names.values()]},
        "normalized": {"gpu": list(names.values())},
    }


def a_snapshot(number: int = 1, at: int = T0, **queues: float) -> SnapshotTaken:
    fields = {
        "schema": 1,
        "sequence": number,
        "generated_at": at,
        "data_until": at - SECOND,
        "window": {"type": "sliding", "size_seconds": 60, "anchor": None},
        "half_life_seconds": 3600.0,
        "backend": "log",
        "capacity": {"gpu": 8.0},
        "capacity_hours": {"gpu": 10.0},
        "capacity_unknown": [],
        "queues": columns(**(queues or {"vision": 0.24})),
        "projects": columns(vision=0.24),
        "users": columns(ann=0.2, bob=0.0),
        "queue_users": columns(**{"vision:ann": 0.2}),
    }
    document, digest = seal(fields)
    return SnapshotTaken(number, at, at - SECOND, digest, document)


def engine_uses(harness: Any, fact: SnapshotTaken, **fields: Any) -> None:
    said = {
        "instance": "engine-1",
        "now": T0 + 5 * SECOND,
        "is_available": True,
        "max_staleness_us": 300 * SECOND,
        "sequence": fact.sequence,
        "fact_sequence": 7,
        "digest": fact.digest,
        "generated_at": fact.generated_at,
        "data_until": fact.data_until,
    }
    answer = UsageInUse.model_validate(said | fields)
    harness.answers[SUBJECT] = answer.model_dump_json().encode()


@pytest.fixture
async def told(harness: Any) -> Any:
    await harness.client.post("/api/v1/queues", json={"path": "vision"})
    harness.fact = a_snapshot()
    await harness.tell(harness.fact)
    return harness


async def test_it_is_the_snapshot_that_the_engine_says_it_reads(told: Any) -> None:
    await told.tell(a_snapshot(2, T0 + SECOND, vision=0.5))  # the engine has not read this one yet
    engine_uses(told, told.fact)
    document = await told.get("/api/v1/usage")
    assert (document["told_by"], document["engine"]) == ("policy-engine", "engine-1")
    assert (document["freshness"], document["degraded"]) == ("fresh", False)
    assert (document["age_seconds"], document["max_staleness_seconds"]) == (5.0, 300.0)
    snapshot = document["snapshot"]
    assert (snapshot["sequence"], snapshot["backend"]) == (1, "log")
    assert (snapshot["half_life_seconds"], snapshot["window"]["type"]) == (3600.0, "sliding")
    assert document["queues"] == {"vision": {"gpu": {"raw_hours": 2.4, "normalized": 0.24}}}
    assert document["users"]["bob"]["gpu"]["normalized"] == 0.0


@pytest.mark.parametrize(
    ("age", "freshness"), [(219, "fresh"), (221, "stale"), (301, "unavailable")]
)
async def test_freshness_says_whether_polls_were_missed_and_whether_it_counts(
    told: Any, age: int, freshness: str
) -> None:
    is_available = freshness != "unavailable"
    engine_uses(told, told.fact, now=T0 + age * SECOND, is_available=is_available)
    document = await told.get("/api/v1/usage")
    assert (document["freshness"], document["degraded"]) == (freshness, not is_available)
    queue = await told.get("/api/v1/usage/queues/vision")
    assert queue["usage"]["gpu"]["normalized"] == 0.24
    assert queue["counts_as"] == {"gpu": 0.24 if is_available else 0.0}


async def test_without_an_engine_the_gateway_judges_by_the_same_rule(told: Any) -> None:
    told.clock.now = T0 + 300 * SECOND
    document = await told.get("/api/v1/usage")
    assert (document["told_by"], document["freshness"]) == ("gateway", "stale")
    told.clock.now += 1
    document = await told.get("/api/v1/usage")
    assert (document["freshness"], document["degraded"]) == ("unavailable", True)
    status = await told.get("/api/v1/status")
    assert status["usage"]["freshness"] == "unavailable"
    assert status["usage"]["degraded"] is True


async def test_before_the_first_snapshot_usage_is_unavailable(harness: Any) -> None:
    document = await harness.get("/api/v1/usage")
    assert (document["freshness"], document["snapshot"]) == ("unavailable", None)
    assert document["queues"] == {}


@pytest.mark.parametrize("answer", [b"", b"<html>", b'{"is_leader": false}', b'{"now": "x"}'])
async def test_an_answer_that_is_none_counts_as_no_answer(told: Any, answer: bytes) -> None:
    told.answers[SUBJECT] = answer
    assert (await told.get("/api/v1/usage"))["told_by"] == "gateway"


async def test_a_queue_is_found_by_its_path_or_id_with_its_users(told: Any) -> None:
    queue = await told.get("/api/v1/queues/vision")
    one = await told.get("/api/v1/usage/queues/vision")
    assert one == await told.get(f"/api/v1/usage/queues/{queue['id']}")
    assert one["users"] == {"ann": {"gpu": {"raw_hours": 2.0, "normalized": 0.2}}}
    assert (await told.client.get("/api/v1/usage/queues/nobody%2Fthere")).status_code == 404


async def test_a_snapshot_that_was_changed_is_shown_without_its_numbers(harness: Any) -> None:
    fact = a_snapshot()
    broken = fact.document.replace("0.24", "0.99")
    await harness.tell(SnapshotTaken(1, T0, T0, fact.digest, broken))
    document = await harness.get("/api/v1/usage")
    assert (document["snapshot"]["sequence"], document["queues"]) == (1, {})


async def test_it_is_csv_when_asked_for(told: Any) -> None:
    answer = await told.client.get("/api/v1/usage?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["kind"] for row in rows] == ["queue", "project", "user", "user"]
    assert rows[0] == {
        "kind": "queue", "name": "vision", "resource": "gpu", "raw_hours": "2.4",
        "normalized": "0.24",
    }  # fmt: skip


async def test_every_snapshot_is_archived_and_its_numbers_once_an_hour(harness: Any) -> None:
    first = T0 // HOUR * HOUR
    for number in range(130):
        await harness.tell(
            a_snapshot(number + 1, first + number * 60 * SECOND, vision=0.1 + number)
        )
    async with harness.store.engine.connect() as connection:
        kept = (await connection.execute(select(usage_snapshots))).mappings().all()
    assert [row["sequence"] for row in kept] == list(range(1, 131))
    assert [row["sequence"] for row in kept if row["is_archived"]] == [1, 61, 121]
    found = await harness.get(f"/api/v1/usage/snapshots?name=vision&since={-86400}&until=86400")
    assert [row["normalized"] for row in found["snapshots"]] == [0.1, 60.1, 120.1]
    text = await harness.client.get("/api/v1/usage/snapshots?kind=user&until=86400&format=csv")
    rows = list(csv.DictReader(StringIO(text.text)))
    assert {(row["kind"], row["name"]) for row in rows} == {("user", "ann")}  # zeros are not kept


async def test_old_snapshots_are_thinned_to_one_a_day_and_dropped_in_the_end(harness: Any) -> None:
    first = T0 // DAY * DAY
    for number in range(50):
        await harness.tell(a_snapshot(number + 1, first + number * HOUR))
    history = HistorySettings(keep=timedelta(days=30), keep_hours=timedelta(days=1))

    async def instants(table: Any) -> list[int]:
        async with harness.store.engine.connect() as connection:
            column = table.c.generated_at
            found = await connection.execute(select(column).distinct().order_by(column))
            return list(found.scalars())

    while await sweep_usage(harness.store, history, first + 3 * DAY):
        pass
    days_first = [first, first + DAY, first + 2 * DAY, first + 2 * DAY + HOUR]
    assert await instants(usage_snapshots) == await instants(usage_archive) == days_first
    while await sweep_usage(harness.store, history, first + 60 * DAY):
        pass
    assert await instants(usage_snapshots) == await instants(usage_archive) == []


def test_the_answer_of_the_engine_is_json_that_an_older_gateway_reads() -> None:
    said = json.loads(UsageInUse(now=5).model_dump_json()) | {"something_new": 1}
    assert UsageInUse.model_validate(said).now == 5


async def test_on_a_fast_clock_numbers_are_kept_once_a_minute_of_the_wall(harness: Any) -> None:
    await harness.tell(clock.Set(T0, T0, 3600))
    first = T0 // HOUR * HOUR
    for number in range(130):  # a second of the wall apart
        await harness.tell(a_snapshot(number + 1, first + number * HOUR))
    async with harness.store.engine.connect() as connection:
        query = select(usage_snapshots.c.sequence).where(usage_snapshots.c.is_archived)
        assert list((await connection.execute(query)).scalars()) == [1, 61, 121]
