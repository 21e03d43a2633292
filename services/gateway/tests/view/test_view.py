"""The view against a recorded log: whatever happens in between, it ends up the same."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select, update

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.decisions.decisions import (
    PendingReason,
    Placement,
    ReasonChange,
    ReasonCode,
    TaskPlacement,
)
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, quotas, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.runtime.follower import Follower
from evenflow.common.testing.fakes.log import FakeLog
from evenflow.gateway.view import schema
from evenflow.gateway.view.store import Store
from evenflow.gateway.view.sweep import sweep_jobs

T0 = 1_700_000_000_000_000
HELD = {"cpu": 1000}


def spec(name: str, **fields: Any) -> JobSpec:
    given: dict[str, Any] = {
        "project": "p",
        "queue": "p/q",
        "user": "u",
        "submitted_at": T0,
        "resources": HELD,
    }
    return JobSpec(id=f"{name:0>36}", name=name, **{**given, **fields})


A, B, C, D = (spec(name) for name in "abcd")
FACTS = [
    queues.Defined((Queue("1", "p"), Queue("2", "p/q"))),
    quotas.Set((Quota("p", {"gpu": 1000}),)),
    cluster.Observed("local", (Node("n", "local", {"cpu": 64_000}),)),
    leader.Decided("e", "0"),
    jobs.Submitted((A, B, C)),
    jobs.Submitted((spec("x", queue="nowhere"),)),
    cycle.Decided(
        4,
        6,
        T0,
        "0",
        placements=(Placement(A.id, 1, (TaskPlacement("n"),)),),
        reasons=(ReasonChange(B.id, PendingReason(ReasonCode.CAPACITY, {"cpu": 5})),),
    ),
    runs.Reported((runs.RunReport(A.id, 1, TaskPhase.RUNNING, T0 + 1),)),
    jobs.Changed((jobs.JobChange(B.id, name="renamed", priority=9),)),
    runs.Reported(
        (runs.RunReport(A.id, 1, TaskPhase.ENDED, T0 + 2, outcome=Outcome.LOST, message="gone"),)
    ),
    jobs.CancelRequested((jobs.CancelRequest(C.id, "u"),)),
    cycle.Decided(4, 11, T0, "0", placements=(Placement(A.id, 2, (TaskPlacement("n", (0,)),)),)),
    runs.Reported(
        (
            runs.RunReport(
                A.id,
                2,
                TaskPhase.ENDED,
                T0 + 9,
                outcome=Outcome.SUCCEEDED,
                exit_code=0,
                started_at=T0 + 5,
            ),
        )
    ),
    jobs.Submitted((D,)),
]


@pytest.fixture
async def log() -> FakeLog:
    log = FakeLog(now=lambda: T0)
    for fact in FACTS:
        await log.append(fact)
    return log


class Run:
    """One life of a gateway's reader: from the start to a kill, or to a clean stop."""

    def __init__(self, ctx: Any, url: str, log: FakeLog) -> None:
        self.store = Store(url, base_every_seconds=3600, base_every_facts=10**6)
        self.ctx, self.log = ctx, log
        self.rebuilt: str | None = None

    async def until(self, sequence: int, *, batch: int = 500, is_clean: bool = False) -> None:
        store = self.store
        self.rebuilt = await store.open(self.log.log_id, len(self.log.messages))
        if self.rebuilt:
            await store.clear(self.log.log_id)

        async def open_reader(after: int, _told_of: int) -> Any:
            reader = await self.log.open_reader(after)
            inner = reader.batches

            async def batches(_: int) -> AsyncIterator[Any]:
                async for messages in inner(batch):
                    if kept := [one for one in messages if one.sequence <= sequence]:
                        yield kept

            reader.batches = batches  # type: ignore[method-assign, assignment]
            return reader

        follower = Follower(
            self.ctx, open_reader, self.log.log_id, on_folded=store.note, on_batch=store.write
        )
        await store.start(await follower.load(store.bases))
        work = asyncio.create_task(follower.run())
        reached = asyncio.create_task(follower.reach(sequence))
        await asyncio.wait({reached, work}, return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        if is_clean:
            await store.write(with_base=True)
        await store.close()  # a killed process leaves its connections to nobody
        self.state = follower.state

    async def rows(self) -> dict[str, list[dict[str, Any]]]:
        found = {}
        async with self.store.engine.connect() as connection:
            for table in (schema.jobs, schema.attempts, schema.queues, schema.quotas):
                keys = list(table.primary_key.columns)
                result = await connection.execute(select(table).order_by(*keys))
                found[table.name] = [dict(row) for row in result.mappings()]
        return found


@pytest.fixture
async def live(database_url: Any, make_ctx: Any) -> Any:
    runs_: list[Run] = []

    def make(log: FakeLog, name: str = "view") -> Run:
        run = Run(make_ctx(), database_url(name), log)
        runs_.append(run)
        return run

    yield make
    for run in runs_:
        await run.store.close()


async def test_the_view_holds_what_the_log_told(log: Any, live: Any) -> None:
    run = live(log)
    await run.until(log.last)
    rows = await run.rows()
    by_name = {row["name"]: row for row in rows["jobs"]}
    assert {name: row["state"] for name, row in by_name.items()} == {
        "a": "succeeded",
        "renamed": "pending",
        "c": "cancelled",
        "d": "pending",
        "x": "rejected",
    }
    assert by_name["x"]["message"] == "no queue 'nowhere'"
    assert (by_name["renamed"]["reason_code"], by_name["renamed"]["reason_json"]) == (
        "capacity",
        '{"cpu":5}',
    )
    a = by_name["a"]
    assert (a["attempt"], a["started_at"], a["finished_at"]) == (2, T0 + 5, T0 + 9)
    (attempt,) = rows["attempts"]
    assert (attempt["outcome"], attempt["started_at"], attempt["finished_at"]) == (
        "lost",
        T0 + 1,
        T0 + 2,
    )
    assert attempt["placement_json"] == '[["n",[]]]'
    assert [row["path"] for row in rows["queues"]] == ["p", "p/q"]


@pytest.mark.parametrize("is_clean", [True, False])
@pytest.mark.parametrize("killed_at", range(1, len(FACTS), 2))
async def test_a_gateway_killed_anywhere_ends_with_the_same_view(
    log: Any, live: Any, killed_at: Any, is_clean: Any
) -> None:
    whole = live(log, "whole")
    await whole.until(log.last)
    first = live(log)
    await first.until(killed_at, batch=1, is_clean=is_clean)
    second = live(log)
    await second.until(log.last, batch=3)
    assert second.rebuilt is None
    assert await second.rows() == await whole.rows()


async def test_a_clean_stop_leaves_a_base_and_the_next_start_reads_only_the_tail(
    log: Any, live: Any
) -> None:
    first = live(log)
    await first.until(9, is_clean=True)
    second = live(log)
    await second.until(9)
    ((sequence, data),) = [base async for base in second.store.bases()]
    assert sequence == 9
    assert checkpoint.load(data, log.log_id).sequence == 9


@pytest.mark.parametrize(
    ("log_id", "sequence", "reason"),
    [
        pytest.param("other", 3, "belongs to log other", id="the view of another log"),
        pytest.param("fake-log", 99, "the log ends at", id="a view ahead of a log that was cut"),
    ],
)
async def test_a_view_that_does_not_fit_its_log_is_built_anew(
    log: Any, live: Any, log_id: Any, sequence: Any, reason: Any
) -> None:
    first = live(log)
    await first.until(log.last)
    wanted = await first.rows()
    async with first.store.engine.begin() as connection:
        await connection.execute(update(schema.meta).values(log_id=log_id, sequence=sequence))
    second = live(log)
    await second.until(log.last)
    assert reason in second.rebuilt
    assert await second.rows() == wanted


async def test_a_state_ahead_of_the_view_is_taken_over_and_ended_jobs_stay(
    log: Any, live: Any, make_ctx: Any
) -> None:
    first = live(log)
    await first.until(log.last)
    wanted = await first.rows()
    async with first.store.engine.begin() as connection:
        await connection.execute(update(schema.meta).values(sequence=2))
        await connection.execute(update(schema.jobs).values(message="old"))
    state = first.state
    second = live(log)
    await second.store.open(log.log_id, log.last)
    await second.store.start(state)
    rows = (await second.rows())["jobs"]
    assert [row["state"] for row in rows] == [row["state"] for row in wanted["jobs"]]
    assert {row["name"]: row["message"] for row in rows if row["state"] == "pending"} == {
        "renamed": "",
        "d": "",
    }
    assert second.store.cursor.sequence == log.last


async def test_ended_jobs_beyond_their_retention_are_swept_and_live_ones_never(
    log: Any, live: Any
) -> None:
    run = live(log)
    await run.until(log.last)
    late = T0 + 10**9
    assert await sweep_jobs(run.store, keep_seconds=10**9, keep_rows=1, now=late) == 2
    assert await sweep_jobs(run.store, keep_seconds=10**9, keep_rows=1, now=late) == 0
    assert await sweep_jobs(run.store, keep_seconds=1, keep_rows=10, now=late) == 1
    states = {row["state"] for row in (await run.rows())["jobs"]}
    assert states == {"pending"}
    assert (await run.rows())["attempts"] == []
