"""A gateway on PostgreSQL that is killed again and again folds everything, and nothing twice."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, func, select

from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.log import Origin
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.common.testing.servers.nats import NatsServer, free_port, nats_server
from evenflow.gateway.view import schema
from evenflow.gateway.view.database.engine import make_engine
from evenflow.gateway.view.usage.schema import usage_spans

pytestmark = pytest.mark.integration
JOBS = 400
KILLS = 4


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
async def log(nats: NatsServer) -> AsyncIterator[ShardLog]:
    async with open_shard_log(BrokerAccess(nats.url, "main", "test")) as opened:
        yield opened


async def tell_a_life(tell: Any, number: int, epoch: int) -> None:
    """Submit a job that holds one core for ten seconds."""
    spec = a_spec(number, queue="p/q", resources={"cpu": 1000})
    await tell(jobs.Submitted((spec,)))
    placed = Placement(spec.id, 1, (TaskPlacement("n1"),))
    await tell(cycle.Decided(epoch, 0, T0, "0", placements=(placed,)))
    report = runs.RunReport(
        spec.id,
        1,
        TaskPhase.ENDED,
        T0 + 10 * SECOND,
        outcome=Outcome.SUCCEEDED,
        exit_code=0,
        started_at=T0,
    )
    await tell(runs.Reported((report,)))


def start(
    folder: Path, nats_url: str, database: str, *, output: Any = None
) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    environment = os.environ | {
        "EVENFLOW_NATS__URL": nats_url,
        "EVENFLOW_DATA_DIR": str(folder),
        "EVENFLOW_GATEWAY__PORT": str(port),
        "EVENFLOW_GATEWAY__DATABASE_URL": database,
        "EVENFLOW_CHECKPOINT__EVERY_SECONDS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "evenflow.gateway"], env=environment, stdout=output, stderr=output
    )
    return process, f"http://127.0.0.1:{port}"


async def until_ready(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


def held(connection: Connection) -> tuple[int, float, int]:
    states = select(func.count()).where(schema.jobs.c.state == "succeeded")
    seconds = select(func.sum(usage_spans.c.seconds)).where(usage_spans.c.resource == "cpu")
    at = select(schema.meta.c.sequence)
    return (
        connection.execute(states).scalar_one(),
        connection.execute(seconds).scalar_one(),
        connection.execute(at).scalar_one(),
    )


async def test_a_gateway_killed_while_it_folds_ends_with_every_job_and_every_second_once(
    tmp_path: Path, nats: NatsServer, log: ShardLog, postgres: Any
) -> None:
    writer, database = log.writer(SystemClock().now), postgres.new_database()

    async def tell(fact: Any) -> Any:
        return await writer.append(fact, Origin(actor="test"))

    await tell(queues.Defined((a_queue("p"), a_queue("p/q"))))
    await tell(cluster.Observed("simulated", (a_node(cpu=10**9),)))
    epoch = await tell(leader.Decided("e", "0"))

    async def all_lives() -> None:
        for number in range(1, JOBS + 1):
            await tell_a_life(tell, number, epoch)

    telling = asyncio.create_task(all_lives())
    process, url = start(tmp_path, nats.url, database)
    try:
        for kill in range(KILLS):
            await until_ready(url)
            await asyncio.sleep(0.1 * kill)
            process.kill()
            process.wait()
            process, url = start(tmp_path, nats.url, database)
        await telling
        await until_ready(url)
        engine, last = make_engine(database), await (await log.open_reader(0)).last_sequence()
        async with engine.connect() as connection, asyncio.timeout(60):
            while (await connection.run_sync(held))[2] < last:
                await asyncio.sleep(0.05)
            done, seconds, _ = await connection.run_sync(held)
        await engine.dispose()
        assert (done, seconds) == (JOBS, JOBS * 10)
    finally:
        telling.cancel()
        process.kill()
        process.wait()


async def ended(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), 60)


async def test_a_second_gateway_on_the_database_ends_and_says_why_and_the_first_goes_on(
    tmp_path: Path, nats: NatsServer, log: ShardLog, postgres: Any
) -> None:
    database = postgres.new_database()
    first, url = start(tmp_path / "first", nats.url, database)
    try:
        await until_ready(url)
        with (tmp_path / "second.log").open("wb") as output:
            second, _ = start(tmp_path / "second", nats.url, database, output=output)
            assert await ended(second) != 0
        told = (tmp_path / "second.log").read_text()
        assert "is written by another gateway: give each gateway a database of its own" in told
        await until_ready(url)
    finally:
        first.kill()
        first.wait()


async def test_a_gateway_whose_database_goes_away_ends_and_goes_on_when_started_again(
    tmp_path: Path, nats: NatsServer, log: ShardLog, postgres: Any
) -> None:
    database, writer = postgres.new_database(), log.writer(SystemClock().now)
    process, url = start(tmp_path, nats.url, database)
    try:
        await until_ready(url)
        postgres.kill()
        await writer.append(queues.Defined((a_queue("p"),)), Origin(actor="test"))
        assert await ended(process) != 0
        postgres.start()
        process, url = start(tmp_path, nats.url, database)
        await until_ready(url)
        token = (tmp_path / "secrets" / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            assert (await client.get("/api/v1/queues/p")).json()["path"] == "p"
    finally:
        process.kill()
        process.wait()
