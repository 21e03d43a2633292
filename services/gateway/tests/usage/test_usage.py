"""Exact usage: what the log says was held is what REST reports, over restarts and while it runs."""

import asyncio
import csv
import random
from collections import defaultdict
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import func, select

from evenflow.common.contracts import codec
from evenflow.common.domain.clock import DAY, HOUR, SECOND
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle, jobs, leader, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.settings import HistorySettings, Settings, UsageSettings
from evenflow.common.testing.fakes.log import FakeLog
from evenflow.gateway.view.store import Store
from evenflow.gateway.view.usage.schema import usage_spans
from evenflow.gateway.view.usage.sweep import sweep_usage

HISTORY = "/api/v1/usage/history"
REPORT = "/api/v1/usage/report"
GIB = 2**30
BEGIN = 1_700_000_000_000_000 // DAY * DAY  # the day of the harness's clock


async def queues(harness: Any, *paths: str) -> None:
    for path in paths:
        answer = await harness.client.post("/api/v1/queues", json={"path": path})
        assert answer.status_code == 201, answer.text


async def run(
    harness: Any, queue: str, user: str, start: int, end: int | None, tasks: int = 1, **asked: Any
) -> None:
    """Let a job run between two instants; one without an end goes on."""
    request = {"cpu_request": 1, "memory_request": 2, "gpu_request": 1} | asked
    job_id = await harness.submit(queue_id=queue, user_id=user, tasks=tasks, **request)
    epoch = harness.follower.state.epoch or await harness.tell(leader.Decided("e", "0"))
    placed = Placement(job_id, 1, (TaskPlacement("n0"),) * tasks)
    saw = harness.follower.state.sequence
    await harness.tell(cycle.Decided(epoch, saw, start, "0", placements=(placed,)))
    await harness.report(job_id, TaskPhase.RUNNING, at=start)
    assert harness.follower.state.jobs[job_id].started_at == start  # there was room
    if end is not None:
        await harness.report(
            job_id, TaskPhase.ENDED, outcome=Outcome.SUCCEEDED, at=end, started_at=start
        )


def truth(log: FakeLog, harness: Any, until: int) -> dict[tuple[str, str, str], float]:
    """(End - start) times resources of every attempt, from the facts of the log alone."""
    specs: dict[str, Any] = {}
    started: dict[str, int] = {}
    held: dict[tuple[str, str, str], float] = defaultdict(float)

    def add(job_id: str, end: int) -> None:
        spec, seconds = specs[job_id], (end - started.pop(job_id)) / SECOND
        for name, amount in spec.resources.items():
            base = 1000 if name in ("cpu", "gpu") else GIB
            held[spec.queue, spec.user, name] += amount / base * spec.tasks * seconds

    for message in log.messages:
        fact = codec.decode(message.subject, message.data, message.sequence).fact
        if isinstance(fact, jobs.Submitted):
            specs |= {spec.id: spec for spec in fact.jobs}
        elif isinstance(fact, runs.Reported):
            for report in fact.runs:
                if report.phase is TaskPhase.RUNNING:
                    started[report.job_id] = report.at
                elif report.phase is TaskPhase.ENDED:
                    add(report.job_id, report.at)
    for job_id in list(started):
        add(job_id, until)
    return held


def reported(document: dict[str, Any]) -> dict[tuple[str, str, str], float]:
    found: dict[tuple[str, str, str], float] = defaultdict(float)
    for row in document["rows"]:
        for name, hours in row["hours"].items():
            found[row["queue"], row["user"], name] += hours * 3600
    return found


@pytest.fixture
async def busy(harness: Any) -> Any:
    """Two queues and some users with forty jobs over three days, some of which still run."""
    await harness.nodes(count=1, gpus=64)
    await queues(harness, "vision/train", "vision/infer", "speech")
    source = random.Random(5)
    for number in range(40):
        start = BEGIN - 2 * DAY + source.randrange(3 * DAY)
        end = start + source.choice((400_000, source.randrange(1, 2 * DAY)))
        queue = source.choice(("vision/train", "vision/infer", "speech"))
        is_live = number % 10 == 0
        await run(
            harness, queue, source.choice(("ann", "bob")), start, None if is_live else end,
            tasks=source.randint(1, 3), cpu_request=source.choice((0.25, 1, 2.5)),
        )  # fmt: skip
    harness.clock.now = BEGIN + 3 * DAY + 12_345_678
    return harness


@pytest.mark.parametrize("by", ["hour", "day", "week"])
async def test_the_sum_over_steps_is_what_the_log_says(busy: Any, log: FakeLog, by: str) -> None:
    since = (BEGIN - 3 * DAY - busy.clock.now) / SECOND
    document = await busy.get(f"{HISTORY}?by={by}&since={since}&group_by=queue,user")
    found, expected = reported(document), truth(log, busy, busy.clock.now)
    assert found.keys() == expected.keys()
    for key, seconds in expected.items():
        assert found[key] == pytest.approx(seconds, rel=1e-9, abs=1e-6), key


async def test_the_sum_is_the_same_after_a_restart_and_in_a_view_built_anew(
    busy: Any, log: FakeLog, database_url: Any, make_ctx: Any
) -> None:
    async def seconds_in(store: Store) -> float:
        async with store.engine.connect() as connection:
            total = select(func.sum(usage_spans.c.seconds)).where(usage_spans.c.resource == "gpu")
            found: float = (await connection.execute(total)).scalar_one()
        return found

    async def follow(store: Store) -> None:
        follower = Follower(
            make_ctx(), log.open_reader, log.log_id, on_folded=store.note, on_batch=store.write
        )
        await store.open(log.log_id, log.last)
        await store.start(await follower.load(store.bases))
        folding = asyncio.create_task(follower.run())
        await follower.reach(log.last)
        folding.cancel()

    expected = await seconds_in(busy.store)
    for _ in range(2):  # the second time nothing is counted again
        store = Store(database_url("again"), base_every_seconds=9e9, base_every_facts=10**9)
        await follow(store)
        assert await seconds_in(store) == pytest.approx(expected, rel=1e-12)
        await store.close()


async def test_what_still_runs_is_counted_up_to_now_and_once_when_it_ends(harness: Any) -> None:
    await harness.nodes()
    await queues(harness, "vision")
    await run(harness, "vision", "ann", BEGIN, None, gpu_request=2)
    harness.clock.now = BEGIN + 90 * 60 * SECOND
    one = await harness.get(f"{HISTORY}?by=hour&since={-2 * 3600}")
    assert [row["hours"]["gpu"] for row in one["rows"]] == [2.0, 1.0]
    job_id = next(iter(harness.follower.state.jobs))
    await harness.report(
        job_id, TaskPhase.ENDED, outcome=Outcome.SUCCEEDED, at=harness.clock.now, started_at=BEGIN
    )
    two = await harness.get(f"{HISTORY}?by=hour&since={-2 * 3600}")
    assert two["rows"] == one["rows"]
    assert two["total"] == {"cpu": 1.5, "gpu": 3.0, "memory": 3.0}


async def test_a_job_that_was_placed_and_never_ran_has_used_nothing(harness: Any) -> None:
    await harness.nodes()
    job_id = await harness.submit()
    await harness.place(job_id)
    harness.clock.now += HOUR
    assert (await harness.get(REPORT))["rows"] == []


async def test_usage_is_filtered_by_queue_project_and_user(busy: Any, log: FakeLog) -> None:
    expected = truth(log, busy, busy.clock.now)
    cases: list[tuple[str, Any]] = [
        ("queue=vision", lambda queue, _: queue.startswith("vision/")),
        ("queue=vision%2Ftrain", lambda queue, _: queue == "vision/train"),
        ("project=speech", lambda queue, _: queue == "speech"),
        ("user=ann", lambda _, user: user == "ann"),
        ("queue=gone", lambda *_: False),
    ]
    for asked, is_meant in cases:
        document = await busy.get(f"{REPORT}?{asked}&since={-30 * 86400}&group_by=user,queue")
        wanted = {key for key in expected if is_meant(key[0], key[1])}
        assert reported(document).keys() == wanted, asked


async def test_a_queue_may_be_named_by_its_id(busy: Any) -> None:
    queue = await busy.get("/api/v1/queues/vision%2Ftrain")
    by_id = await busy.get(f"{REPORT}?queue={queue['id']}")
    assert by_id["rows"] == (await busy.get(f"{REPORT}?queue=vision/train"))["rows"] != []


async def test_a_report_costs_hours_times_prices_and_is_csv_when_asked_for(busy: Any) -> None:
    prices = {"gpu": 2.5, "cpu": 0.03, "memory": 0.004}
    busy.gateway.settings = Settings(cluster="simulated:2x8", usage=UsageSettings(prices=prices))
    document = await busy.get(f"{REPORT}?group_by=project")
    for row in document["rows"]:
        cost = sum(row["hours"][name] * price for name, price in prices.items())
        assert row["cost"] == pytest.approx(cost)
    assert document["cost"] == pytest.approx(sum(row["cost"] for row in document["rows"]))
    for extra, headers in (("&format=csv", {}), ("", {"Accept": "text/csv"})):
        answer = await busy.client.get(f"{REPORT}?group_by=project{extra}", headers=headers)
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(StringIO(answer.text)))
        assert [row["project"] for row in rows] == ["speech", "vision"]
        assert float(rows[0]["gpu_hours"]) == pytest.approx(document["rows"][0]["hours"]["gpu"])
        assert float(rows[0]["cost"]) == pytest.approx(document["rows"][0]["cost"])


async def test_old_hours_become_days_and_very_old_ones_go_while_the_sum_stays(
    busy: Any, log: FakeLog
) -> None:
    asked = f"{REPORT}?since={-30 * 86400}&group_by=queue,user"
    before = reported(await busy.get(asked))
    history = HistorySettings(keep=timedelta(days=10), keep_hours=timedelta(days=1))
    busy.gateway.settings = Settings(cluster="simulated:2x8", usage=UsageSettings(history=history))
    while await sweep_usage(busy.store, history, busy.clock.now):
        pass
    after = reported(await busy.get(asked))
    assert after.keys() == before.keys()
    for key, seconds in before.items():
        assert after[key] == pytest.approx(seconds, rel=1e-12)
    refused = await busy.client.get(f"{HISTORY}?by=hour&since={-5 * 86400}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "since")
    while await sweep_usage(busy.store, history, busy.clock.now + 20 * DAY):
        pass
    async with busy.store.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM usage_spans")
        assert rows.scalar_one() == 0


async def test_rows_beyond_the_limit_go_the_oldest_first(busy: Any) -> None:
    history = HistorySettings.model_construct(**{**HistorySettings().__dict__, "keep_rows": 10})
    while await sweep_usage(busy.store, history, busy.clock.now):
        pass
    async with busy.store.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM usage_spans")
        assert 0 < rows.scalar_one() <= 10


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("by=month", "by"),
        ("since=yesterday", "since"),
        ("until=nan", "until"),
        ("since=-60&until=-120", "since"),
        ("group_by=node", "group_by"),
        ("format=xml", "format"),
        ("by=hour&since=1970-01-01", "since"),
        ("since=1900-01-01", "since"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(harness: Any, asked: str, field: str) -> None:
    answer = await harness.client.get(f"{HISTORY}?{asked}")
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert (error["field"], bool(error["rule"])) == (field, True)
