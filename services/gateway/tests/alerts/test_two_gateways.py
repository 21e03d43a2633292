"""Two gateways on one log: each answers, and an alert is told once, whichever of them dies."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.facts import queues, quotas
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.ports.log import Origin
from evenflow.common.testing.builders import a_queue
from evenflow.common.testing.servers.nats import NatsServer, free_port, nats_server
from evenflow.common.testing.servers.receiver import Receiver
from evenflow.gateway.alerts.delivery_cursors import BusDeliveryCursors

pytestmark = pytest.mark.integration
ACTOR = Origin(actor="test")


class Copy:
    """One gateway, a process with a view of its own."""

    def __init__(self, folder: Path, nats_url: str, receiver: Receiver) -> None:
        self.port, self.folder = free_port(), folder
        self.environment = os.environ | {
            "EVENFLOW_NATS__URL": nats_url,
            "EVENFLOW_DATA_DIR": str(folder),
            "EVENFLOW_GATEWAY__PORT": str(self.port),
            "EVENFLOW_ALERTS__WEBHOOKS": json.dumps([{"url": url_of(receiver)}]),
            "EVENFLOW_ALERTS__ALLOWED_NETWORKS": '["127.0.0.1/32"]',
            "EVENFLOW_ALERTS__RETRY_FIRST": "0.1s",
        }
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evenflow.gateway"], env=self.environment
        )
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:

            async def is_ready() -> bool:
                try:
                    return (await client.get("/readyz")).is_success
                except httpx.HTTPError:
                    return False

            await until(is_ready)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    async def alerts(self) -> list[int]:
        token = (self.folder / "secrets" / "token").read_text().strip()
        url, headers = f"http://127.0.0.1:{self.port}", {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            found = (await client.get("/api/v1/alerts")).json()["alerts"]
        # Restarted gateways also tell that nothing is used really.
        return sorted(int(alert["used"]) for alert in found if alert["used"])


def url_of(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.port}/hook"


async def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


async def tell(log: ShardLog, gpus: int) -> None:
    alert = quotas.QuotaAlert("vision", "gpu", 100 + gpus, True, gpus * 1000, 10_000)
    await log.writer(SystemClock().now).append(quotas.Alerted((alert,)), ACTOR)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.up()
    yield made
    made.down()


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
async def log(nats: NatsServer) -> AsyncIterator[ShardLog]:
    async with open_shard_log(BrokerAccess(nats.url, "main", "test")) as opened:
        writer = opened.writer(SystemClock().now)
        await writer.append(queues.Defined((a_queue("vision"),)), ACTOR)
        await writer.append(quotas.Set((Quota("vision", {"gpu": 10_000}),)), ACTOR)
        yield opened


async def test_an_alert_is_told_once_by_whichever_gateway_lives(
    tmp_path: Path, nats: NatsServer, log: ShardLog, receiver: Receiver
) -> None:
    cursors, digest = BusDeliveryCursors(log), hashlib.sha256(url_of(receiver).encode()).hexdigest()
    copies = [Copy(tmp_path / name, nats.url, receiver) for name in ("first", "second")]

    async def is_known() -> bool:
        return await cursors.get(digest) is not None

    async def are_told(count: int) -> None:
        async def has() -> bool:
            return len(receiver.taken) >= count

        await until(has)

    try:
        await asyncio.gather(*(copy.start() for copy in copies))
        await until(is_known)  # a new receiver is not told of the past
        await tell(log, 1)
        await are_told(1)
        for number, copy in enumerate(copies):  # one of them is the one that tells
            copy.kill()
            await tell(log, 2 + number)
            await are_told(2 + number)
            await copy.start()
        receiver.down()
        await tell(log, 4)
        await asyncio.sleep(1)
        for copy in copies:
            copy.kill()
        receiver.up()
        await copies[0].start()
        await are_told(4)
        await copies[1].start()
        await asyncio.sleep(1)
        assert receiver.told == [1, 2, 3, 4]
        assert [await copy.alerts() for copy in copies] == [[1, 2, 3, 4]] * 2
    finally:
        for copy in copies:
            copy.kill()
